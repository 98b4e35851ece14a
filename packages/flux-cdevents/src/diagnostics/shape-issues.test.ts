import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { Settings } from 'typebox/system';
import { describe, expect, it } from 'vitest';
import { formatFault } from './format.ts';
import { shapeIssues } from './shape-issues.ts';

const rule = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z]+$', expected: 'a name of lower case letters' }),
    when: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
const shape = Compile(
  Type.Object({
    preset: Type.Enum(['service', 'rfc'], { expected: 'service or rfc' }),
    version: Type.Optional(Type.String()),
    rules: Type.Optional(Type.Array(rule, { maxItems: 2, expected: 'a list of at most 2 rules' })),
    labels: Type.Optional(Type.Record(Type.String(), Type.String())),
    count: Type.Optional(Type.Integer()),
  }),
);
const linesOf = (document: unknown) => shapeIssues(shape, document).map((one) => `${one.code} ${formatFault(one)}`);
const withRule = (...rules: unknown[]) => ({ preset: 'rfc', rules });

describe('an issue', () => {
  it.each<[string, unknown, string]>([
    ['no document', undefined, 'invalid-value document: expected a map, found nothing'],
    ['another document', [], 'invalid-value document: expected a map, found a list'],
    ['a missing field', {}, 'missing preset: expected service or rfc, found nothing'],
    [
      'a missing field of an item',
      withRule({ name: 'a' }, {}),
      'missing rules[1].name: expected a name of lower case letters, found nothing',
    ],
    [
      'an unknown field',
      withRule({ name: 'a', severity: 1 }),
      'unknown-field rules[0].severity: expected one of the fields name or when, found severity',
    ],
    [
      'a misspelt field, which is not missing as well',
      withRule({ nmae: 'a' }),
      'unknown-field rules[0].nmae: expected one of the fields name or when (did you mean name?), found nmae',
    ],
    ['a value of a list', { preset: 'x' }, 'invalid-value preset: expected service or rfc, found "x"'],
    [
      'a misspelt value of a list',
      { preset: 'servise' },
      'invalid-value preset: expected service or rfc (did you mean service?), found "servise"',
    ],
    [
      'a pattern',
      withRule({ name: 'A' }),
      'invalid-value rules[0].name: expected a name of lower case letters, found "A"',
    ],
    [
      'the type of a text that needs quotes',
      { preset: 'rfc', version: 0.5 },
      'invalid-value version: expected a string (put it in quotes), found the number 0.5',
    ],
    [
      'the type of another text',
      { preset: 'rfc', version: {} },
      'invalid-value version: expected a string, found a map',
    ],
    [
      'the type of a flag',
      withRule({ name: 'a', when: 'yes' }),
      'invalid-value rules[0].when: expected true or false, found "yes"',
    ],
    ['a type without a name', { preset: 'rfc', count: 'x' }, 'invalid-value count: expected another value, found "x"'],
    [
      'the length of a list',
      withRule({ name: 'a' }, { name: 'b' }, { name: 'c' }),
      'invalid-value rules: expected a list of at most 2 rules, found 3',
    ],
    [
      'a key with the characters of a JSON Pointer',
      { preset: 'rfc', labels: { 'a/b~c': [] } },
      'invalid-value labels[a/b~c]: expected a string, found a list',
    ],
  ])('of %s', (_, document, line) => expect(linesOf(document)).toEqual([line]));
});

it('a path has a number for an item of a list, and a string for a key of digits', () => {
  const pathsOf = (document: unknown) => shapeIssues(shape, document).map(({ path }) => path);
  expect(pathsOf(withRule({ name: 'A' }))).toEqual([['rules', 0, 'name']]);
  expect(pathsOf({ preset: 'rfc', labels: { 0: [] } })).toEqual([['labels', '0']]);
});

it('all that is wrong is listed at once, unknown fields first', () => {
  expect(linesOf({ preset: 5, rules: [{ name: 'a', iff: 1, when: 2 }], count: {} })).toEqual([
    'unknown-field rules[0].iff: expected one of the fields name or when, found iff',
    'invalid-value preset: expected service or rfc, found the number 5',
    'invalid-value rules[0].when: expected true or false, found the number 2',
    'invalid-value count: expected another value, found a map',
  ]);
  expect(linesOf({ preset: 'rfc', rules: [{ name: 'a', when: true }], labels: { a: 'b' }, extra: 1 })).toEqual([]);
});

it('at most 100 errors are read, or as many as the caller says, and the library keeps its own limit', () => {
  const before = Settings.Get().maxErrors;
  const labels = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`label-${index}`, index]));
  const document = { preset: 'rfc', labels };
  expect(shapeIssues(shape, document)).toHaveLength(100);
  expect(shapeIssues(shape, document, 20)).toHaveLength(20);
  expect(shapeIssues(shape, document, 1000)).toHaveLength(150);
  expect(Settings.Get().maxErrors).toBe(before);
});
