/**
 * The three string formats that CDEvents asks for. They are read character by character, because events come from
 * untrusted senders and the time must grow no faster than the length of the input. They accept what common JSON Schema
 * validators accept, which is slightly more than the RFCs do; the conformance test compares them with one.
 */

const URI_CHAR = 1; // unreserved, sub-delims, ':' and '@'
const SLASH = 2;
const QUESTION = 4;
const QUOTE = 8; // '"' is allowed in a URI-reference, not in a URI
const USERINFO = 16;
const SCHEME = 32;
const HEX = 64;

const classes = new Uint8Array(128);
const mark = (characters: string, bit: number): void => {
  for (const character of characters) {
    const code = character.charCodeAt(0);
    classes[code] = (classes[code] ?? 0) | bit;
  }
};
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const digits = '0123456789';
mark(`${letters}${digits}-._~!$&'()*+,;=:@`, URI_CHAR);
mark('/', SLASH);
mark('?', QUESTION);
mark('"', QUOTE);
mark(`${letters}${digits}-._~!$&'()*+,;=:`, USERINFO);
mark(`${letters}${digits}+-.`, SCHEME);
mark(`${digits}abcdefABCDEF`, HEX);

const PERCENT = 0x25;
const classOf = (text: string, index: number): number => classes[text.charCodeAt(index)] ?? 0;

/** Index of the first character from `start` that is neither in the allowed classes nor part of a `%hh`. */
function skip(text: string, start: number, allowed: number): number {
  let index = start;
  while (index < text.length) {
    if (classOf(text, index) & allowed) index += 1;
    else if (text.charCodeAt(index) === PERCENT && classOf(text, index + 1) & classOf(text, index + 2) & HEX)
      index += 3;
    else break;
  }
  return index;
}

/** Length of `scheme:` at the start of `text`, 0 when it does not start with one. */
function schemeLength(text: string): number {
  if (!/^[a-z]/i.test(text)) return 0;
  let index = 1;
  while (classOf(text, index) & SCHEME) index += 1;
  return text[index] === ':' ? index + 1 : 0;
}

function isIPv4(text: string): boolean {
  const octets = text.split('.', 5);
  return octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255);
}

/** Number of 16-bit units in `h:h:…`; -1 when malformed. With `last`, the final part may be an IPv4 address. */
function countUnits(text: string, last: boolean): number {
  if (text === '') return 0;
  const parts = text.split(':', 9);
  let units = 0;
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) units += 1;
    else if (last && index === parts.length - 1 && isIPv4(part)) units += 2;
    else return -1;
  }
  return units;
}

/** @see https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2 */
function isIpLiteral(text: string): boolean {
  if (/^v[0-9a-f]+\.[a-z0-9\-._~!$&'()*+,;=:]+$/i.test(text)) return true;
  if (text.length > 45) return false; // the longest way to write an IPv6 address
  const gap = text.indexOf('::');
  if (gap === -1) return countUnits(text, true) === 8;
  const before = countUnits(text.slice(0, gap), false);
  const after = countUnits(text.slice(gap + 2), true);
  return before >= 0 && after >= 0 && before + after <= 7;
}

/** Index after `//user@[address]:port` with its `[` at `bracket`; -1 when the text has another form. */
function skipIpAuthority(text: string, start: number, bracket: number): number {
  let index = start;
  if (text[index] !== '/') return -1;
  index += text[index + 1] === '/' ? 2 : 1;
  if (index !== bracket) {
    index = skip(text, index, USERINFO);
    if (text[index] !== '@' || index + 1 !== bracket) return -1;
  }
  const end = text.indexOf(']', bracket);
  if (end === -1 || !isIpLiteral(text.slice(bracket + 1, end))) return -1;
  index = end + 1;
  if (text[index] === ':') {
    do index += 1;
    while (index < text.length && digits.includes(text.charAt(index)));
  }
  return index;
}

/** Reads the rest of a URI from `start` (after the scheme). `present` when it begins with a path or an authority. */
function readHierarchy(text: string, start: number, allowed: number): 'empty' | 'present' | 'malformed' {
  let index = skip(text, start, allowed | SLASH);
  if (text[index] === '[') {
    index = skipIpAuthority(text, start, index);
    if (index === -1) return 'malformed';
    if (text[index] === '/') index = skip(text, index, allowed | SLASH);
  }
  const hierarchy = index > start ? 'present' : 'empty';
  if (text[index] === '?') index = skip(text, index + 1, allowed | SLASH | QUESTION);
  if (text[index] === '#') index = skip(text, index + 1, allowed | SLASH | QUESTION);
  return index === text.length ? hierarchy : 'malformed';
}

/**
 * Whether `text` is an absolute URI.
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-3
 */
export function isUri(text: string): boolean {
  const start = schemeLength(text);
  return start > 0 && readHierarchy(text, start, URI_CHAR) === 'present';
}

/**
 * Whether `text` is a URI or a reference relative to one; the empty string is.
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-4.1
 */
export function isUriReference(text: string): boolean {
  if (readHierarchy(text, 0, URI_CHAR | QUOTE) !== 'malformed') return true;
  const start = schemeLength(text); // only an address in brackets needs to know where the scheme ends
  return start > 0 && readHierarchy(text, start, URI_CHAR | QUOTE) !== 'malformed';
}

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[t\s](\d\d):(\d\d):(\d\d(?:\.\d+)?)(?:z|([+-])(\d\d)(?::?(\d\d))?)$/i;
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Whether `text` is a date and time with a time zone.
 * @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
export function isDateTime(text: string): boolean {
  const parts = DATE_TIME.exec(text);
  if (!parts) return false;
  const number = (index: number): number => Number(parts[index] ?? 0);
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const leapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day < 1 || day > (month === 2 && !leapYear ? 28 : (DAYS[month - 1] ?? 0))) return false;
  const [zoneHour, zoneMinute] = [number(8), number(9)];
  if (zoneHour > 23 || zoneMinute > 59) return false;
  if (hour <= 23 && minute <= 59 && second < 60) return true;
  // a leap second is the last one of a day in UTC
  const sign = parts[7] === '-' ? -1 : 1;
  const utcMinute = minute - zoneMinute * sign;
  const utcHour = hour - zoneHour * sign - (utcMinute < 0 ? 1 : 0);
  return (utcHour === 23 || utcHour === -1) && (utcMinute === 59 || utcMinute === -1) && second < 61;
}
