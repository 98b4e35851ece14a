import { isMap, parseDocument } from 'yaml';
import { describeSize } from '../../diagnostics/describe.ts';
import type { Fault } from './endpoint-reading.ts';

/** Headers that HTTP clients set themselves, and refuse to take from a caller. */
const ofTheConnection = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** More than most servers accept, and little enough to be read at once. */
const MAX_HEADERS_BYTES = 32 * 1024;
/** Nothing in a map of strings is deeper than this many brackets. */
const MAX_OPEN_BRACKETS = 100;

/**
 * Reads the `headers` of a Secret: a YAML map of strings, order and spelling kept; numbers and booleans count as they
 * are written. Names and values that HTTP does not allow are faults, which show neither.
 */
export function parseHeaders(text: string): {
  readonly headers: Readonly<Record<string, string>>;
  readonly faults: readonly Fault[];
} {
  if (Buffer.byteLength(text) > MAX_HEADERS_BYTES) {
    const expected = `at most ${describeSize('x'.repeat(MAX_HEADERS_BYTES))}`;
    return { headers: {}, faults: [{ expected, found: describeSize(text) }] };
  }
  const map = readMap(text);
  if (!map) {
    return {
      headers: {},
      faults: [{ expected: 'a YAML map of header names to values', found: `${describeSize(text)} that are not` }],
    };
  }
  const entries = Object.entries(map);
  const headers: [string, string][] = [];
  const faults: Fault[] = [];
  const names = new Set<string>();
  for (const [index, [name, value]] of entries.entries()) {
    const found = (what: string) => `${what} in header ${index + 1} of ${entries.length}`;
    if (!isHeaderName(name)) {
      faults.push({ expected: 'header names of letters, digits and -', found: found('another character') });
    } else if (ofTheConnection.has(name.toLowerCase())) {
      faults.push({ expected: 'no header of the connection itself', found: name });
    } else if (names.has(name.toLowerCase())) {
      faults.push({ code: 'duplicate', expected: 'every header once', found: `${name} again` });
    } else if (typeof value !== 'string') {
      faults.push({ expected: 'a string for every header', found: found('a list or a map') });
    } else if (!isHeaderValue(value)) {
      faults.push({ expected: 'header values of printable ASCII', found: found('another character') });
    } else {
      names.add(name.toLowerCase());
      headers.push([name, value]);
    }
  }
  return { headers: Object.fromEntries(headers), faults };
}

/** A token of RFC 9110, section 5.6.2. */
const isHeaderName = (name: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name);

/** What every HTTP client accepts: printable ASCII, spaces and tabs. */
export const isHeaderValue = (value: string): boolean => /^[\t\x20-\x7e]*$/.test(value);

/** The value of a header, its name in any case. */
export const headerValue = (headers: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];

function readMap(text: string): Readonly<Record<string, unknown>> | undefined {
  if ((text.match(/[[{]/g)?.length ?? 0) > MAX_OPEN_BRACKETS) return undefined;
  // The library compares each key of a map with each other.
  const document = parseDocument(text, { schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' });
  if (document.errors.length > 0) return undefined;
  const { contents } = document;
  if (isMap(contents) && new Set(contents.items.map(({ key }) => String(key))).size < contents.items.length)
    return undefined;
  let value: unknown;
  try {
    value = document.toJS();
  } catch {
    return undefined; // an alias without an anchor
  }
  if (value === null || value === '') return {};
  return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}
