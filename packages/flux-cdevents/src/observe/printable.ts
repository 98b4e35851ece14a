/**
 * Characters that a terminal obeys or does not show: control characters, format characters such as those that change the
 * direction of text, line and paragraph separators, lone surrogates, unassigned and private ones. Spaces are shown, and the
 * variation selectors that choose between a symbol and an emoji.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}[\p{Default_Ignorable_Code_Point}--\p{Variation_Selector}]]/gv;

/** Most texts are ASCII: looking for anything else first is ten times as fast. */
const NOT_PLAIN = /[^\x20-\x7e]+/g;

const replaceUnprintable = (text: string, escapeOne: (character: string) => string): string =>
  text.replace(NOT_PLAIN, (run) => run.replace(UNPRINTABLE, escapeOne));

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

/** The escape that Go's `%q` writes: `\n`, `\x1b`, `\u202e`, `\U000e0041`. */
function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return named[character] ?? `\\x${hex(code, 2)}`;
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

/**
 * A text from elsewhere as one line that a terminal only shows: every other character becomes an escape, as Go's `%q` writes
 * it.
 */
export const toPrintable = (text: string): string => replaceUnprintable(text, escapeOf);

/** JSON whose text is printable, too: the same value, with `\uXXXX` for what `JSON.stringify` leaves as it is. */
export const toPrintableJson = (value: unknown, indent?: number): string =>
  escapeJson(JSON.stringify(value, undefined, indent));

/** The same for a text that is JSON already. Line feeds between the tokens stay. */
export const escapeJson = (json: string): string =>
  replaceUnprintable(json, (character) =>
    character === '\n' ? character : character.replace(/[\s\S]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`),
  );

/** A value with its texts and keys as `toPrintable` shows them. */
export function printableValue(value: unknown): unknown {
  if (typeof value === 'string') return toPrintable(value);
  if (Array.isArray(value)) return value.map(printableValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [toPrintable(key), printableValue(item)]));
}
