import { STATUS_CODES } from 'node:http';
import type { DeliveryOutcome } from './transport.ts';

/** The longest accepted `Retry-After`. A longer one is more likely a fault of the receiver's clock. */
export const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

type StatusClass = 'delivered' | 'retry' | 'retry-slowly' | 'reject' | 'stop';

/** The statuses that are treated differently from the rest of their class (4xx). */
const statusClasses: ReadonlyMap<number, StatusClass> = new Map([
  [401, 'retry-slowly'], // somebody has to change a Secret
  [403, 'retry-slowly'],
  [404, 'retry'], // the Service or Ingress may not exist yet
  [408, 'retry'],
  [409, 'retry'],
  [410, 'stop'],
  [425, 'retry'],
  [429, 'retry'],
]);

const classOf = (status: number): StatusClass => {
  const special = statusClasses.get(status);
  if (special) return special;
  if (status >= 200 && status < 300) return 'delivered';
  return status >= 500 ? 'retry' : 'reject';
};

/** The parts of an answer that decide the outcome. */
export interface ReceiverAnswer {
  readonly status: number;
  /** Value of the `Retry-After` header. */
  readonly retryAfter?: string | undefined;
  /** Value of the `Location` header. Absent when it must not be shown. */
  readonly location?: string | undefined;
  /** The start of the body, with secrets masked. */
  readonly excerpt?: string;
}

/** Converts the answer of a receiver to the outcome of the attempt. */
export function classifyAnswer(
  { status, retryAfter, location, excerpt }: ReceiverAnswer,
  now: number,
): DeliveryOutcome {
  const code = String(status);
  const verdict = classOf(status);
  if (verdict === 'delivered') return { status: 'delivered', code };
  const error = describeAnswer(status, location, excerpt);
  if (verdict === 'reject') return { status: 'rejected', code, error };
  if (verdict === 'stop') return { status: 'rejected', code, error, stop: true };
  const retryAfterMs = parseRetryAfter(retryAfter, now);
  return {
    status: 'retryable',
    code,
    error,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(verdict === 'retry-slowly' && { slow: true }),
  };
}

function describeAnswer(status: number, location: string | undefined, excerpt: string | undefined): string {
  const phrase = STATUS_CODES[status];
  const answered = `answered ${status}${phrase ? ` ${phrase}` : ''}`;
  if (status >= 300 && status < 400) {
    return `${answered}${location ? ` (to ${location})` : ''}; redirects are not followed`;
  }
  return excerpt ? `${answered}: ${excerpt}` : answered;
}

/**
 * Reads `Retry-After` in seconds or as an HTTP date, in any of its three formats. A date in the past counts as 0. Any
 * other text is ignored.
 * @returns at most `MAX_RETRY_AFTER_MS`
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  // an HTTP date starts with the name of a day; `Date.parse` alone would take `5.5` and `-3` for dates
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined;
  // `Sun Nov  6 08:49:37 1994` is UTC like the other forms, which say GMT
  const at = Date.parse(/\d{4}$/.test(text) ? `${text} GMT` : text);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at - now, 0), MAX_RETRY_AFTER_MS);
}

/** Maps error codes of Node.js and undici to the `code` label and the text that operators read. */
const failures: ReadonlyMap<string, { readonly code: string; readonly text: string }> = new Map([
  ['ECONNREFUSED', { code: 'ECONNREFUSED', text: 'connection refused' }],
  ['ECONNRESET', { code: 'ECONNRESET', text: 'connection closed before an answer came' }],
  ['EPIPE', { code: 'ECONNRESET', text: 'connection closed before an answer came' }],
  ['UND_ERR_SOCKET', { code: 'ECONNRESET', text: 'connection closed before an answer came' }],
  ['ENOTFOUND', { code: 'ENOTFOUND', text: 'host name not found' }],
  ['EAI_AGAIN', { code: 'EAI_AGAIN', text: 'host name cannot be looked up now' }],
  ['EHOSTUNREACH', { code: 'EHOSTUNREACH', text: 'host unreachable' }],
  ['ENETUNREACH', { code: 'ENETUNREACH', text: 'network unreachable' }],
  ['EMFILE', { code: 'EMFILE', text: 'this process has no file descriptors left' }],
  ['ETIMEDOUT', { code: 'timeout', text: 'no connection in time' }],
  ['UND_ERR_CONNECT_TIMEOUT', { code: 'timeout', text: 'no connection in time' }],
  ['UND_ERR_HEADERS_OVERFLOW', { code: 'http', text: 'answered with headers that are too large' }],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', { code: 'http', text: 'answered with a wrong Content-Length' }],
  ['CERT_HAS_EXPIRED', { code: 'tls', text: 'TLS: the certificate has expired' }],
  ['CERT_NOT_YET_VALID', { code: 'tls', text: 'TLS: the certificate is not valid yet' }],
  ['ERR_TLS_CERT_ALTNAME_INVALID', { code: 'tls', text: 'TLS: the certificate is for another host name' }],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', { code: 'tls', text: 'TLS: the certificate is self-signed and not trusted' }],
  ['SELF_SIGNED_CERT_IN_CHAIN', { code: 'tls', text: 'TLS: the certificate authority is not trusted' }],
  ['UNABLE_TO_GET_ISSUER_CERT', { code: 'tls', text: 'TLS: the certificate authority is not known' }],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', { code: 'tls', text: 'TLS: the certificate authority is not known' }],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', { code: 'tls', text: 'TLS: the certificate authority is not known' }],
  ['ERR_SSL_WRONG_VERSION_NUMBER', { code: 'tls', text: 'TLS: the other side does not speak TLS on this port' }],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', { code: 'tls', text: 'TLS: the other side does not speak TLS on this port' }],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', { code: 'tls', text: 'TLS: a client certificate is required' }],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', { code: 'tls', text: 'TLS: the client certificate is not trusted' }],
]);

/**
 * Converts a failure without an answer to the outcome of the attempt. Messages of Node.js name host and port, so the
 * error text quotes only messages that are known to contain no address.
 * @param where the address to show: the proxy's if there is one. Absent when it must not be shown.
 */
export function classifyFailure(
  thrown: unknown,
  { where, proxied = false }: { readonly where?: string | undefined; readonly proxied?: boolean } = {},
): DeliveryOutcome {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const refusal = proxyRefusal(error);
  if (refusal) return refusal;
  const rawCode = codeOf(error);
  const { code, text } = failures.get(rawCode) ?? describeUnknown(rawCode, error);
  // with a proxy, every connection that this process opens goes to the proxy
  const subject = proxied && isConnectFailure(rawCode) ? 'the proxy: ' : '';
  return { status: 'retryable', code, error: `${subject}${text}${where ? ` (${where})` : ''}` };
}

/** The outcome when no answer comes within the time limit of an attempt. */
export const timedOut = (timeoutMs: number): DeliveryOutcome => ({
  status: 'retryable',
  code: 'timeout',
  error: `no answer within ${timeoutMs % 1000 === 0 ? `${timeoutMs / 1000} s` : `${timeoutMs} ms`}`,
});

const isConnectFailure = (code: string): boolean =>
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/.test(code);

/** The code of an error, or of the first cause that has one. */
function codeOf(error: unknown): string {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code: unknown = 'code' in e ? e.code : undefined;
    if (typeof code === 'string' && code !== '' && code !== 'UND_ERR_PRX_TLS' && code !== 'UND_ERR_PRX_CONN')
      return code;
  }
  return '';
}

/** undici reports a refusal by the proxy only in the text of the error. */
function proxyRefusal(error: Error): DeliveryOutcome | undefined {
  const status = Number(/^Proxy (?:response|Authentication Required) \((\d{3})\)/.exec(error.message)?.[1] ?? 0);
  if (status === 0) return undefined;
  const phrase = STATUS_CODES[status];
  return {
    status: 'retryable',
    code: 'proxy',
    error: `the proxy answered ${status}${phrase ? ` ${phrase}` : ''}`,
    ...(status === 407 && { slow: true }), // the credentials of the proxy are in a Secret as well
  };
}

function describeUnknown(code: string, error: Error): { readonly code: string; readonly text: string } {
  if (code.startsWith('HPE_')) return { code: 'http', text: 'answered something that is not HTTP/1.1' };
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code.startsWith('ERR_OSSL_') || code === 'EPROTO') {
    // `…:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:…`: the reason given by OpenSSL contains no address
    const reason = /SSL routines:[^:]*:([^:]+)/.exec(error.message)?.[1]?.trim();
    return { code: 'tls', text: `TLS: ${reason ?? 'the handshake failed'}` };
  }
  if (/^(CERT_|UNABLE_TO_|INVALID_CA$|HOSTNAME_MISMATCH$)/.test(code)) {
    return { code: 'tls', text: `TLS: ${code.toLowerCase().replaceAll('_', ' ')}` };
  }
  if (error.name === 'InvalidArgumentError' || code === 'UND_ERR_INVALID_ARG') {
    return { code: 'request', text: 'the request cannot be made with these headers or this address' };
  }
  return { code: code || 'error', text: `connection failed${code ? ` (${code})` : ''}` };
}
