import { describeSize } from '../../diagnostics/describe.ts';
import type { Secret } from '../../flux/secret.ts';
import type { HandledType } from '../provider.ts';
import { EndpointReading } from './endpoint-reading.ts';
import { headerValue, isHeaderValue, parseHeaders } from './headers.ts';
import { basicAuthorization } from './url.ts';

/** The `headers` of a Secret. */
export function resolveHeaders(secret: Secret, reading: EndpointReading): Readonly<Record<string, string>> {
  const text = reading.textOf(secret, 'headers');
  if (text === undefined) return {};
  const { headers, faults } = parseHeaders(text);
  for (const fault of faults) reading.inSecret(secret, 'headers', fault);
  for (const value of Object.values(headers)) reading.mask(value);
  const authorization = headerValue(headers, 'authorization');
  if (authorization) reading.mask(credentialsOf(authorization));
  return headers;
}

/** The `Authorization` header: `Bearer` before `Basic`. The generic types send neither, as in the notification-controller. */
export function resolveAuthorization(
  type: HandledType,
  specUsername: string | undefined,
  secret: Secret | undefined,
  reading: EndpointReading,
): string | undefined {
  if (!secret) return undefined;
  const sent = type === 'cdevents';
  // What is not sent need not be valid, but must not be shown either.
  const reader = sent ? reading : new EndpointReading();
  const token = reader.textOf(secret, 'token');
  const ownUsername = reader.textOf(secret, 'username');
  const username = ownUsername ?? specUsername;
  const password = reader.textOf(secret, 'password');
  reading.mask(token?.trim() ?? '', password ?? '', ownUsername ?? '');
  const basic = username !== undefined && password !== undefined ? basicAuthorization(username, password) : undefined;
  if (basic) reading.mask(credentialsOf(basic));
  if (!sent) return undefined;

  if (username === undefined && password !== undefined) {
    reading.inSecret(secret, 'username', {
      code: 'missing',
      expected: 'a user name next to password',
      found: 'nothing',
    });
  }
  if (secret.data.username !== undefined && secret.data.password === undefined) {
    reading.inSecret(secret, 'password', {
      code: 'missing',
      expected: 'a password next to username',
      found: 'nothing',
    });
  }
  if (username?.includes(':') && password !== undefined) {
    reading.inSecret(secret, 'username', { expected: 'a user name without a colon', found: 'one with a colon' });
  }
  if (token === undefined) return basic;
  if (token.trim() === '') {
    reading.inSecret(secret, 'token', { expected: 'a token', found: token === '' ? 'nothing' : 'only white space' });
  } else if (!isHeaderValue(token)) {
    reading.inSecret(secret, 'token', { expected: 'one line of printable ASCII', found: describeSize(token) });
  }
  return `Bearer ${token}`;
}

/**
 * The HMAC key: the `token` of `generic-hmac`, as in the notification-controller, else `hmacKey`. It is used byte for byte,
 * line breaks at its end included: the receiver has the same bytes, and would find another signature wrong.
 */
export function resolveHmacKey(
  type: HandledType,
  secret: Secret | undefined,
  reading: EndpointReading,
): Uint8Array | undefined {
  if (!secret) return undefined;
  const name = type === 'generic-hmac' ? 'token' : 'hmacKey';
  const key = secret.data[name];
  if (key === undefined && type !== 'generic-hmac') return undefined;
  if (key === undefined || key.byteLength === 0) {
    reading.inSecret(secret, name, { code: 'missing', expected: 'the HMAC key', found: 'nothing' });
    return undefined;
  }
  const bytes = Buffer.from(key);
  reading.mask(bytes.toString('utf8').trim(), bytes.toString('base64'), bytes.toString('base64url'));
  return key;
}

/** `Bearer abc` without its scheme: a receiver may repeat the credentials alone. */
export const credentialsOf = (authorization: string): string =>
  authorization.slice(authorization.indexOf(' ') + 1).trim();
