import { expect, it } from 'vitest';
import { createIssue, type Issue, type Path } from '../diagnostics/issue.ts';
import { createConfigReports } from './config-reports.ts';

const problem = (kind: string, path: Path, more: Partial<Issue> = {}): Issue => ({
  ...createIssue('invalid-value', path, 'x', 'y'),
  object: { kind, namespace: 'a', name: 'b' },
  ...more,
});
const texts = (reports: ReturnType<ReturnType<typeof createConfigReports>>) =>
  reports.map(({ about, reason, message }) => `${about.kind} ${about.namespace}/${about.name} ${reason} ${message}`);

it.each<[string, Path, string | undefined, Partial<Issue>?]>([
  ['Alert', ['spec', 'providerRef', 'name'], 'NotificationDispatchFailed'],
  ['Alert', ['spec', 'inclusionList', 0], 'InvalidConfig'],
  ['Alert', ['spec', 'eventSources', 0, 'matchLabels'], 'InvalidConfig'],
  ['Provider', ['metadata', 'annotations', 'cdevents.toolkit.fluxcd.io/preset'], 'InvalidConfig'],
  ['Provider', ['spec', 'address'], 'NotificationDispatchFailed'],
  ['Secret', ['headers'], 'NotificationDispatchFailed', { affects: { kind: 'Provider', namespace: 'a', name: 'b' } }],
  ['Secret', [], undefined],
])('%s: %j is %s', (kind, path, reason, more) => {
  const reports = createConfigReports()([problem(kind, path, more)]);
  expect(reports.map((report) => report.reason)).toEqual(reason ? [reason] : []);
});

it('ignores warnings, and problems that belong to no object', () => {
  const { object: _, ...nowhere } = problem('', ['folder']);
  expect(createConfigReports()([problem('Alert', ['spec'], { severity: 'warning' }), nowhere])).toEqual([]);
});

it('reports a problem when it is new, when it changed, and when it is back', () => {
  const reports = createConfigReports();
  const first = problem('Provider', ['spec', 'address']);
  const second = problem('Provider', ['spec', 'timeout']);
  const one = 'Provider a/b NotificationDispatchFailed spec.address: expected x, found y';
  expect(texts(reports([first]))).toEqual([one]);
  expect(texts(reports([first]))).toEqual([]);
  expect(texts(reports([first, second]))).toEqual([`${one}; spec.timeout: expected x, found y`]);
  expect(texts(reports([]))).toEqual([]);
  expect(texts(reports([first]))).toEqual([one]);
});
