import { describe, expect, it } from 'vitest';
import { Document, LineCounter, parseAllDocuments } from 'yaml';
import type { Path } from './issue.ts';
import { locateDocument, locateIn } from './yaml-places.ts';

/** Line and column of what stands at `path`, or of a character in it. */
const placeOf = (text: string, path: readonly (string | number)[], index?: number) => {
  const document = locateDocument(text);
  const offset = index === undefined ? document.offsetOf(path, 'value') : document.offsetIn(path, index);
  const { line, column } = document.lineAndColumn(offset);
  return `${line}:${column}`;
};

describe('the place of a value', () => {
  const text = 'rules:\n  - name: a\n    emit: []\n    empty:\n  - {name: b}\n';

  it.each<[string, (string | number)[], string]>([
    ['a scalar', ['rules', 0, 'name'], '2:11'],
    ['a list, at its key', ['rules', 0, 'emit'], '3:5'],
    ['nothing, at its key', ['rules', 0, 'empty'], '4:5'],
    ['an item', ['rules', 1], '5:5'],
    ['a scalar in a flow map', ['rules', 1, 'name'], '5:12'],
    ['what is missing, at what it is missing from', ['rules', 1, 'match'], '5:5'],
    ['what is missing further down', ['rules', 1, 'subject', 'id'], '5:5'],
    ['what is missing from the document', ['preset'], '1:1'],
  ])('%s', (_, path, place) => expect(placeOf(text, path)).toBe(place));
});

describe('locateIn', () => {
  /** The place in a document of a text of several. */
  const placeIn = (text: string, index: number, path: Path, of?: 'key' | 'value') => {
    const lines = new LineCounter();
    const document = parseAllDocuments(text, { lineCounter: lines })[index] ?? new Document();
    const places = locateIn(document, text, lines);
    const { line, column } = places.lineAndColumn(places.offsetOf(path, of));
    return `${line}:${column}`;
  };
  const text = 'a: 1\n---\nkind: Alert\nspec:\n  names: [x]\n  name: y\n  name: z\n';

  it.each<[string, Path, 'key' | 'value', string]>([
    ['a key', ['kind'], 'key', '3:1'],
    ['a value', ['kind'], 'value', '3:7'],
    ['an item', ['spec', 'names', 0], 'value', '5:11'],
    ['the first of two fields of one name, which is an error', ['spec', 'name'], 'value', '6:9'],
    ['what is missing, at what it is missing from', ['spec', 'eventSources', 0], 'key', '4:1'],
  ])('counts the lines of the whole text: %s', (_, path, of, place) => {
    expect(placeIn(text, 1, path, of)).toBe(place);
  });

  it('is the beginning of the text for a document that is not there', () => {
    expect(placeIn(text, 2, ['kind'])).toBe('1:1');
  });
});

describe('the place of a character of a scalar', () => {
  it.each([
    ['plain', "m: event.reason == 'x' && wrong", 'wrong', '1:27'],
    ['plain over two lines', 'm: event.reason ==\n    first\n    + wrong', 'wrong', '3:7'],
    ['single-quoted', "m: 'event.reason == wrong'", 'wrong', '1:21'],
    ['single-quoted, with quotes', "m: 'event.reason == ''it'' && wrong'", 'wrong', '1:31'],
    ['single-quoted, with a quote at the place', "m: 'event.reason == ''it'' && wrong'", "'it'", '1:21'],
    ['double-quoted', 'm: "event.reason == \'x\' && wrong"', 'wrong', '1:28'],
    ['double-quoted, with escapes', 'm: "\\x41 \\u0041 \\U00000041 \\" \\n wrong"', 'wrong', '1:34'],
    ['double-quoted over two lines', 'm: "event.reason\n    == wrong"', 'wrong', '2:8'],
    ['literal block', 'm: |\n  event.reason == 1 &&\n    wrong\n', 'wrong', '3:5'],
    ['literal block with a comment and empty lines', 'm: |- # why\n\n  first &&\n\n  wrong', 'wrong', '5:3'],
    ['folded block', 'm: >-\n  event.reason == 1\n  && wrong', 'wrong', '3:6'],
    ['after a line break of two characters', 'a: 1\r\nm: event == wrong\r\n', 'wrong', '2:13'],
    ['after a character of two UTF-16 units', "m: event == '😀' + wrong", 'wrong', '1:20'],
  ])('%s', (_, text, word, place) => {
    const { m } = locateDocument(text).value as { m: string };
    expect(placeOf(text, ['m'], m.indexOf(word))).toBe(place);
  });

  it('is its end for what follows after it', () => {
    expect(placeOf('m: event.\nn: 1', ['m'], 'event.'.length)).toBe('1:10');
    expect(placeOf('m: |\n  event.\nn: 1', ['m'], 'event.'.length)).toBe('2:9');
  });
});

describe('the value', () => {
  it.each<[string, string, unknown]>([
    ['JSON', '{"a": [1, true, null, "x"]}', { a: [1, true, null, 'x'] }],
    ['YAML 1.2, in which no is text', 'a: no\nb: 012', { a: 'no', b: 12 }],
    ['keys that are no strings', 'true: 1\n2: 2', { true: 1, 2: 2 }],
    ['a key of JavaScript', '__proto__: {x: 1}', JSON.parse('{"__proto__": {"x": 1}}')],
    ['aliases', 'a: &x {b: 1}\nc: *x', { a: { b: 1 }, c: { b: 1 } }],
    ['nothing', '# not yet', undefined],
    ['an empty second document', 'a: 1\n---\n', { a: 1 }],
  ])('%s', (_, text, value) => expect(locateDocument(text)).toMatchObject({ value, issues: [] }));

  it('is as deep as is reasonable', () => {
    const nested = (levels: number) => locateDocument('['.repeat(levels) + ']'.repeat(levels)).issues;
    expect(nested(40)).toEqual([]);
    expect(nested(42)).toMatchObject([{ expected: 'at most 40 levels' }]);
    expect(nested(20_000)).toMatchObject([{ expected: 'at most 40 levels' }]);
  });

  it('is as large as is reasonable, whatever its aliases stand for', () => {
    const doubling = Array.from({ length: 20 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}]`);
    expect(locateDocument(['a0: &a0 [1, 2]', ...doubling].join('\n')).issues).toMatchObject([
      { expected: 'fewer aliases' },
    ]);
  });
});
