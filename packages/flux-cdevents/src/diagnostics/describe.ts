const MAX_SHOWN_CHARS = 80;
const MAX_FIELD_CHARS = 60;

/** A value of an object that holds no secrets, as a message shows it: `"slak"`, `the number 5`, `a list`, `nothing`. */
export function describeFound(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(shortened(value, MAX_SHOWN_CHARS));
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a map';
  return String(value);
}

/** What a message may say about a secret value: `2,100 bytes`. */
export const describeSize = (value: string | Uint8Array): string => {
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength;
  return bytes === 0 ? 'nothing' : `${bytes.toLocaleString('en-US')} ${bytes === 1 ? 'byte' : 'bytes'}`;
};

/** The name of a field as a message shows it. */
export const describeField = (name: string): string =>
  /^[\w./-]{1,60}$/.test(name) ? name : JSON.stringify(shortened(name, MAX_FIELD_CHARS));

const shortened = (text: string, max: number): string => (text.length > max ? `${text.slice(0, max)}…` : text);
