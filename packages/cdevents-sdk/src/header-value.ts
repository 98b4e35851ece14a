import { CDEventsError } from './errors.ts';

// space, double quote, percent, and everything that is not printable ASCII
const UNSAFE = /[^\x21\x23\x24\x26-\x7e]/;
const UNSAFE_RUN = /[^\x21\x23\x24\x26-\x7e]+/g;
const ENCODED_RUN = /(?:%[0-9a-f]{2})+/gi;

/**
 * Encodes an attribute as the value of an HTTP header, with percent-encoding where the binding asks for it. A lone
 * surrogate, which UTF-8 cannot express, becomes U+FFFD.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#3132-http-header-values
 */
export function encodeHeaderValue(value: string): string {
  if (!UNSAFE.test(value)) return value;
  return value.toWellFormed().replace(UNSAFE_RUN, encodeURIComponent);
}

/**
 * Decodes an attribute from the value of an HTTP header. Quoted strings, which older senders write, are unquoted. A `%`
 * that does not start an encoded byte is kept.
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
