import { expect, it } from 'vitest';
import { excerptOf } from './excerpt.ts';

it.each([
  ['one line of it', 'plain\n\ttext\u0000 \u001b[31mred\u202e!', 'plain text [31mred !'],
  ['nothing for nothing', ' \n ', ''],
  ['secrets masked', 'token abc-def is wrong', 'token ***** is wrong'],
])('makes %s', (_, text, expected) => {
  expect(excerptOf(text, ['abc-def'], true)).toBe(expected);
});

it('is cut after the secrets were masked', () => {
  const text = `${'x'.repeat(195)}abc-def and more`;
  expect(excerptOf(text, ['abc-def'], true)).toBe(`${'x'.repeat(195)}*****…`);
});

it('drops what may be the start of a secret at the end of what was read', () => {
  expect(excerptOf('it was abc-d', ['abc-def'], false)).not.toContain('abc-d');
  expect(excerptOf('it was abc-d', ['abc-def'], true)).toContain('abc-d');
});
