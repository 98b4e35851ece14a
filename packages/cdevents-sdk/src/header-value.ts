import { CDEventsError } from './errors.ts';

// space, double quote, percent, and whatever is not printable ASCII
const UNSAFE = /[^\x21\x23\x24\x26-\x7e]/;
const UNSAFE_RUN = /[^\x21\x23\x24\x26-\x7e]+/g;
const ENCODED_RUN = /(?:%[0-9a-f]{2})+/gi;

/**
 * An attribute as the value of an HTTP header, percent-encoded where it must be. Half a surrogate pair, which UTF-8
 * cannot say, becomes U+FFFD.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#3132-http-header-values
 */
export function encodeHeaderValue(value: string): string {
  if (!UNSAFE.test(value)) return value;
  return value.toWellFormed().replace(UNSAFE_RUN, encodeURIComponent);
}

/**
 * An attribute read from an HTTP header. Quoted strings, which older senders wrote, are unquoted; a `%` that starts no
 * encoded byte stays what it is.
 * @throws {CDEventsError} `CDE_INVALID_CLOUDEVENT` when the encoded bytes are not UTF-8
 */
export function decodeHeaderValue(value: string): string {
  const quoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
  const unquoted = quoted ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  if (!unquoted.includes('%')) return unquoted;
  try {
    return unquoted.replace(ENCODED_RUN, decodeURIComponent);
  } catch (cause) {
    throw new CDEventsError('CDE_INVALID_CLOUDEVENT', 'A header value is percent-encoded, but not as UTF-8', { cause });
  }
}
