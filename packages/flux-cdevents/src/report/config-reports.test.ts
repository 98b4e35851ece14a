import { expect, it } from 'vitest';
import { createConfigReports, type ReportableProblem } from './config-reports.ts';

const problem = (object: string, path: string, more: Partial<ReportableProblem> = {}): ReportableProblem => ({
  object,
  severity: 'error',
  issue: { path, expected: 'x', found: 'y' },
  ...more,
});
const texts = (reports: ReturnType<ReturnType<typeof createConfigReports>>) =>
  reports.map(({ about, reason, message }) => `${about.kind} ${about.namespace}/${about.name} ${reason} ${message}`);

it.each<[string, string, string | undefined]>([
  ['Alert a/b', 'spec.providerRef.name', 'NotificationDispatchFailed'],
  ['Alert a/b', 'spec.inclusionList[0]', 'InvalidConfig'],
  ['Alert a/b', 'spec.eventSources[0].matchLabels', 'InvalidConfig'],
  ['Provider a/b', 'metadata.annotations[cdevents.toolkit.fluxcd.io/preset]', 'InvalidConfig'],
  ['Provider a/b', 'spec.address', 'NotificationDispatchFailed'],
  ['Provider a/b', 'Secret s: headers', 'NotificationDispatchFailed'],
  ['Secret a/b', 'Secret', undefined],
])('%s: %s is %s', (object, path, reason) => {
  const reports = createConfigReports()([problem(object, path)]);
  expect(reports.map((report) => report.reason)).toEqual(reason ? [reason] : []);
});

it('ignores warnings, and problems that belong to no object', () => {
  const { object: _, ...nowhere } = problem('', 'folder');
  expect(createConfigReports()([problem('Alert a/b', 'spec', { severity: 'warning' }), nowhere])).toEqual([]);
});

it('reports a problem when it is new, when it changed, and when it is back', () => {
  const reports = createConfigReports();
  const first = problem('Provider a/b', 'spec.address');
  const second = problem('Provider a/b', 'spec.timeout');
  const one = 'Provider a/b NotificationDispatchFailed spec.address: expected x, found y';
  expect(texts(reports([first]))).toEqual([one]);
  expect(texts(reports([first]))).toEqual([]);
  expect(texts(reports([first, second]))).toEqual([`${one}; spec.timeout: expected x, found y`]);
  expect(texts(reports([]))).toEqual([]);
  expect(texts(reports([first]))).toEqual([one]);
});
