import { describeFound, describeSize } from '../../diagnostics/describe.ts';
import type { Fault } from './endpoint-reading.ts';

const MAX_URL_BYTES = 2048;

/** What is wrong with an address, without showing secrets in it; undefined when it is an http(s) URL. */
export function urlFault(text: string, { secret = false } = {}): Fault | undefined {
  const show = () => (secret ? describeSize(text) : describeFound(withoutSecrets(text) || undefined));
  if (Buffer.byteLength(text) > MAX_URL_BYTES) {
    return { expected: 'at most 2,048 bytes', found: describeSize(text) };
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1];
  if (scheme && !/^https?$/i.test(scheme)) {
    return { expected: 'an absolute http or https URL', found: secret ? describeSize(text) : `${scheme}://…` };
  }
  const usable = scheme !== undefined && !/[\s\p{Cc}]/u.test(text) && URL.canParse(text);
  return usable ? undefined : { expected: 'an absolute http or https URL', found: show() };
}

/**
 * A text that is not a URL, with `*****` for its query and for everything before the last `@`, since anything less might
 * show some of its credentials.
 */
function withoutSecrets(text: string): string {
  const scheme = /^(?:[A-Za-z][A-Za-z0-9+.-]*:\/\/|https?:\/?)?/i.exec(text)?.[0] ?? '';
  const rest = text.slice(scheme.length);
  const at = rest.lastIndexOf('@');
  const query = rest.search(/[?#]/);
  if (query >= 0 && query < at) return `${scheme}*****`; // either of the two may be part of a password
  const target = query < 0 ? rest : `${rest.slice(0, query + 1)}*****`;
  return `${scheme}${at < 0 ? target : `*****${target.slice(at)}`}`;
}

/** The parts of an address in a Secret that a receiver may repeat, from the whole to the single segments and values. */
export function secretsInAddress(text: string): readonly string[] {
  // every URL has the scheme; it is no part of the secret
  const whole = text.replace(/^https?:\/*/i, '');
  const url = URL.parse(text);
  return [whole, ...whole.split(/[/?#&@]+/), ...(url ? [url.hostname, url.pathname, ...secretsInQuery(url)] : [])]
    .filter((part) => /[^/]/.test(part))
    .flatMap((part) => [part, decode(part)]);
}

/** The query and the fragment of a URL, and their values; the names are not secrets. */
export const secretsInQuery = ({ search, hash, searchParams }: URL): readonly string[] =>
  [search.slice(1), hash.slice(1), ...searchParams.values()].filter((part) => part !== '');

/** A URL and the credentials that it contained. */
export interface SplitUrl {
  /** Without the credentials. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** The credentials as they were written. */
  readonly secrets: readonly string[];
}

/** Takes the credentials out of a URL that `urlFault` accepts; without any, the text stays as it is. */
export function splitUrl(text: string): SplitUrl {
  const url = new URL(text);
  if (url.username === '' && url.password === '') return { url: text, secrets: [] };
  const username = decode(url.username);
  const password = decode(url.password);
  const written = `${url.username}:${url.password}`;
  const secrets = [written, `${username}:${password}`, url.password || url.username, password || username];
  url.username = '';
  url.password = '';
  return { url: url.href, username, password, secrets };
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % is not an escape
  }
};

/** Value of an `Authorization` header. @see https://www.rfc-editor.org/rfc/rfc7617 */
export const basicAuthorization = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
