import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeJson, printableValue, toPrintable, toPrintableJson } from './printable.ts';

/** Every kind of character, lone surrogates included. */
const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
const obeyed = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('toPrintable', () => {
  it.each([
    ['plain, größer, 中文, 🚢, ⚠️ and é', 'plain, größer, 中文, 🚢, ⚠️ and é'],
    ['C:\\temp and "quotes"', 'C:\\temp and "quotes"'],
    ['two\nlines\r\tand a tab', 'two\\nlines\\r\\tand a tab'],
    ['\u001b[31mred\u0007', '\\x1b[31mred\\x07'],
    ['\u0000 \u007f', '\\x00 \\x7f'],
    ['\u009b2J \u0085', '\\u009b2J \\u0085'],
    ['\u202eevil\u202c \u2066 \u2069', '\\u202eevil\\u202c \\u2066 \\u2069'],
    ['\u200e \u200f \u061c', '\\u200e \\u200f \\u061c'],
    ['a\u200bb\u200db\u2060c\ufeff', 'a\\u200bb\\u200db\\u2060c\\ufeff'],
    ['\u00ad \u3164 \u115f', '\\u00ad \\u3164 \\u115f'],
    ['\u2028 \u2029', '\\u2028 \\u2029'],
    ['\ud83d alone \udea2', '\\ud83d alone \\udea2'],
    ['\u{e0041}', '\\U000e0041'],
  ])('%j → %j', (text, expected) => expect(toPrintable(text)).toBe(expected));

  it('leaves nothing that a terminal obeys, and nothing to do for a second time', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = toPrintable(text);
        expect(shown).not.toMatch(obeyed);
        expect(toPrintable(shown)).toBe(shown);
      }),
    );
  });
});

describe('toPrintableJson', () => {
  it.each([
    ['\u001b\u007f\u009b', '"\\u001b\\u007f\\u009b"'],
    ['\u202e\u2028\u2029\u200b', '"\\u202e\\u2028\\u2029\\u200b"'],
    ['\u{e0041}', '"\\udb40\\udc41"'],
    ['\ud83d', '"\\ud83d"'],
    ['größer 🚢', '"größer 🚢"'],
  ])('%j → %s', (text, expected) => expect(toPrintableJson(text)).toBe(expected));

  it('is printable, and the same value', () => {
    const anyDocument = fc.dictionary(anyText, fc.oneof(anyText, fc.array(anyText), fc.constantFrom(1, null, true)));
    fc.assert(
      fc.property(anyDocument, fc.constantFrom(undefined, 2), (document, indent) => {
        const json = toPrintableJson(document, indent);
        expect(json.replaceAll('\n', '')).not.toMatch(obeyed);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(document)));
        expect(escapeJson(json)).toBe(json);
      }),
    );
  });
});

it('printableValue shows keys and texts at any depth, and nothing else differently', () => {
  expect(printableValue({ 'a\nb': ['\u202e', 1, null, { c: '\u001b' }], ok: true })).toEqual({
    'a\\nb': ['\\u202e', 1, null, { c: '\\x1b' }],
    ok: true,
  });
});
