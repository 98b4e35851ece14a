import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { formatIssue } from './format.ts';
import { createIssue, type Path } from './issue.ts';
import { IssueList } from './issue-list.ts';
import { locateDocument } from './yaml-places.ts';

const text = 'preset: rfc\nrules:\n  - name: a\n    when: 5\n';
const path: Path = ['rules', 0, 'when'];
/** The lines of a list after something was reported to it. */
const linesAfter = (report: (list: IssueList) => void, yaml = text) => {
  const list = new IssueList(locateDocument(yaml));
  report(list);
  return list.list().map((issue) => `${issue.code} ${formatIssue(issue)}`);
};

describe('an issue has the place', () => {
  it.each<[string, (list: IssueList) => void, string]>([
    [
      'of its value',
      (list) => list.value(path, 'a flag', '5'),
      'invalid-value 4:11: rules[0].when: expected a flag, found 5',
    ],
    [
      'of its key, when the field should not be there',
      (list) => list.key(path, 'name', 'when'),
      'unknown-field 4:5: rules[0].when: expected name, found when',
    ],
    [
      'of what it is missing from',
      (list) => list.missing(['rules', 0, 'emit'], 'a type'),
      'missing 3:5: rules[0].emit: expected a type, found nothing',
    ],
    [
      'of an offset',
      (list) => list.at(text.indexOf('rfc'), createIssue('conflict', ['preset'], 'service', 'rfc')),
      'conflict 1:9: preset: expected service, found rfc',
    ],
    [
      'that it came with',
      (list) => list.addAll([{ ...createIssue('missing', path, 'this', 'that'), place: { line: 9, column: 2 } }]),
      'missing 9:2: rules[0].when: expected this, found that',
    ],
    [
      'of its key, when it came as an unknown field without a place',
      (list) => list.addAll([createIssue('unknown-field', path, 'name', 'when')]),
      'unknown-field 4:5: rules[0].when: expected name, found when',
    ],
    [
      'of its value, when it came without a place',
      (list) => list.addAll([createIssue('duplicate', path, 'one', 'two')]),
      'duplicate 4:11: rules[0].when: expected one, found two',
    ],
    [
      'of the value that is not what a shape asks for',
      (list) => list.addShape(Compile(Type.Object({ preset: Type.Boolean() })), locateDocument(text).value),
      'invalid-value 1:9: preset: expected true or false, found "rfc"',
    ],
  ])('%s', (_, report, line) => expect(linesAfter(report)).toEqual([line]));
});

it('lineOf is the line of the key', () => {
  expect(new IssueList(locateDocument('a:\n  b:\n    1')).lineOf(['a', 'b'])).toBe(2);
});

it('an issue that aliases repeat is listed once, another at the same place as well', () => {
  const lines = linesAfter((list) => {
    list.value(['a', 'x'], 'a flag', '5');
    list.value(['b', 'x'], 'a flag', '5');
    list.value(['b', 'x'], 'a text', '5');
  }, 'a: &a {x: 5}\nb: *a\n');
  expect(lines).toEqual([
    'invalid-value 1:11: a.x: expected a flag, found 5',
    'invalid-value 1:11: b.x: expected a text, found 5',
  ]);
});

describe('the list', () => {
  const yaml = Array.from({ length: 60 }, (_, index) => `key-${index}: ${index}`).join('\n');
  const reporting = (count: number) =>
    linesAfter((list) => {
      for (let index = count - 1; index >= 0; index--) list.value([`key-${index}`], 'a text', `${index}`);
    }, yaml);

  it('is in the order of the text', () => {
    expect(reporting(50).map((line) => line.replace(/^\S+ (\d+):.*$/, '$1'))).toEqual(
      Array.from({ length: 50 }, (_, index) => `${index + 1}`),
    );
  });

  it('ends after 50 issues with how many more there are', () => {
    const lines = reporting(60);
    expect(lines).toHaveLength(51);
    expect(lines[49]).toBe('invalid-value 50:9: key-49: expected a text, found 49');
    expect(lines[50]).toBe('invalid-value 51:9: document: expected at most the 50 issues above, found 10 more');
  });
});
