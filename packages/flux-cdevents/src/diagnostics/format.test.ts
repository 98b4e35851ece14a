import { describe, expect, it } from 'vitest';
import { comparePlaces, formatFault, formatIssue, formatPath, toRecord } from './format.ts';
import { createIssue, createWarning, type Path, withFile, withOwner } from './issue.ts';

const provider = { kind: 'Provider', namespace: 'apps', name: 'hub' };
const secret = { kind: 'Secret', namespace: 'apps', name: 'token' };
const issue = createIssue('invalid-value', ['spec', 'address'], 'a URL', '"x"');

it.each<[Path, string]>([
  [[], ''],
  [['spec', 'eventSources', 0, 'kind'], 'spec.eventSources[0].kind'],
  [['metadata', 'annotations', 'a.b/c'], 'metadata.annotations[a.b/c]'],
  [['--events-auth'], '--events-auth'],
  [['tls.key'], 'tls.key'],
])('the path %j is %j', (path, text) => expect(formatPath(path)).toBe(text));

describe('an issue', () => {
  const ofSecret = withOwner(provider, { ...createIssue('missing', ['password'], 'one', 'nothing'), object: secret });

  it('names its place, its object and its field', () => {
    const located = withFile('providers.yaml', { ...withOwner(provider, issue), place: { line: 12 } });
    expect(formatIssue(located)).toBe('providers.yaml:12: Provider apps/hub: spec.address: expected a URL, found "x"');
    expect(formatFault(located)).toBe('spec.address: expected a URL, found "x"');
  });

  it('of a Secret is reported on the Provider that names it', () => {
    expect(formatIssue(ofSecret)).toBe('Provider apps/hub: Secret token: password: expected one, found nothing');
    expect(formatFault(ofSecret)).toBe('Secret token: password: expected one, found nothing');
    expect(formatIssue(withOwner(secret, issue))).toBe('Secret apps/token: spec.address: expected a URL, found "x"');
  });

  it('of a mapping has the place in the text of its ConfigMap', () => {
    const object = { kind: 'ConfigMap', namespace: 'apps', name: 'rules' };
    const textPlace = { file: 'mapping.yaml', line: 2, column: 3 };
    const wrong = { ...createIssue('invalid-value', ['rules'], 'a list', 'a map'), object, textPlace };
    expect(formatFault(withOwner(provider, wrong))).toBe(
      'ConfigMap rules: mapping.yaml:2:3: rules: expected a list, found a map',
    );
  });

  it('of a whole document says so, unless an object is named', () => {
    const whole = createIssue('unreadable', [], 'YAML', 'an error');
    expect(formatIssue(whole)).toBe('document: expected YAML, found an error');
    expect(formatIssue(withOwner(provider, whole))).toBe('Provider apps/hub: expected YAML, found an error');
  });

  it('is a record of texts in JSON', () => {
    const warning = withFile(
      'a.yaml',
      withOwner(provider, createWarning('no-effect', ['spec', 'x'], 'nothing', '"y"')),
    );
    expect(toRecord(warning)).toEqual({
      object: 'Provider apps/hub',
      where: 'a.yaml',
      severity: 'warning',
      code: 'no-effect',
      path: 'spec.x',
      expected: 'nothing',
      found: '"y"',
    });
  });
});

it('issues are in the order of files and lines, those without a place first', () => {
  const at = (file: string, line: number) => ({ ...issue, place: { file, line } });
  const [a2, a10, b1] = [at('a', 2), at('a', 10), at('b', 1)];
  expect([b1, a10, issue, a2].sort(comparePlaces)).toEqual([issue, a2, a10, b1]);
});
