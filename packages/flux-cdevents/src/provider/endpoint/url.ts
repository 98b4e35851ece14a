import { describeFound, describeSize } from '../../diagnostics/describe.ts';
import type { Fault } from './endpoint-reading.ts';

const MAX_URL_BYTES = 2048;

/** A shorter text (`1`, `on`, `/`) is not a secret, and masking it would make every log line unreadable. */
export const MIN_MASKED_CHARS = 4;

/** What is wrong with an address, without showing credentials in it; undefined when it is an http(s) URL. */
export function urlFault(text: string, { secret = false } = {}): Fault | undefined {
  const show = () => (secret ? describeSize(text) : describeFound(withoutUserinfo(text) || undefined));
  if (Buffer.byteLength(text) > MAX_URL_BYTES) {
    return { expected: 'at most 2,048 bytes', found: describeSize(text) };
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1];
  if (scheme && !/^https?$/i.test(scheme)) return { expected: 'an absolute http or https URL', found: `${scheme}://…` };
  const usable = scheme !== undefined && !/[\s\p{Cc}]/u.test(text) && URL.canParse(text);
  return usable ? undefined : { expected: 'an absolute http or https URL', found: show() };
}

/** Treats everything before the last `@` as credentials, since anything less might show some. */
const withoutUserinfo = (text: string): string => {
  const at = text.lastIndexOf('@');
  if (at < 0) return text;
  return `${/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(text)?.[0] ?? ''}*****${text.slice(at)}`;
};

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
