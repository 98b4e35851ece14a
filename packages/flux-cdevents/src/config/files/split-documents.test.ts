import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { splitDocuments } from './split-documents.ts';

it.each<[string, string, number[]]>([
  ['one document', 'a: 1\n', [0]],
  ['two documents', 'a: 1\n---\nb: 2\n', [0, 1]],
  ['a marker at the start', '---\na: 1\n--- # two\nb: 2', [0, 2]],
  ['Windows line ends', 'a: 1\r\n---\r\nb: 2\r\n', [0, 1]],
  ['a marker at the end', 'a: 1\n---', [0, 1]],
  ['dashes that are no marker', 'a: |\n  ---\n  x\nb: ----\n---x: 1\n', [0]],
  ['directives', '%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n', [0]],
  ['nothing', '', [0]],
])('%s', (_, file, lines) => {
  const documents = splitDocuments(file);
  expect(documents.map(({ linesBefore }) => linesBefore)).toEqual(lines);
  expect(documents.map(({ text }) => text).join('')).toBe(file);
});

it('means the same as the whole file', () => {
  const file = 'a: |\n  x\n\n---\n# comment\n---\nb: "y\n  z"\n---\n- 1\n';
  const whole = [...parseAllDocuments(file)].map((document) => document.toJS());
  const parts = splitDocuments(file).flatMap(({ text }) => [...parseAllDocuments(text)].map((part) => part.toJS()));
  expect(parts).toEqual(whole);
});
