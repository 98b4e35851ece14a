import { expect, it } from 'vitest';
import type { Alert } from '../flux/alert.ts';
import { createEventReports } from './event-reports.ts';
import type { Report, ReportedObject } from './reporter.ts';

const hub = { namespace: 'apps', name: 'hub' };
const all = { namespace: 'apps', name: 'all' };

function setUp({ alerts = [] as readonly Alert[], exists = (_: ReportedObject): boolean => true } = {}) {
  const reported: Report[] = [];
  const clock = { now: 0 };
  const reporter = { report: (report: Report) => void reported.push(report), close() {} };
  const reports = createEventReports({ reporter, exists, alerts: () => alerts, now: () => clock.now });
  return { reported, clock, reports };
}

it('reports every change of a Provider on the Alert that showed it', () => {
  const { reported, reports } = setUp();
  reports.failing(hub, all, 'failing', '503');
  reports.failing(hub, all, 'failing', '503');
  reports.failing(hub, all, 'stopped', '410');
  expect(reported.map(({ about, message }) => [about, message])).toEqual([
    [{ kind: 'Alert', ...all }, 'Provider apps/hub does not deliver: 503'],
    [{ kind: 'Alert', ...all }, 'Provider apps/hub does not deliver: 503'],
    [{ kind: 'Alert', ...all }, 'Provider apps/hub is stopped until it is changed: 410'],
  ]);
});

it('reports it on the Provider when there is no Alert', () => {
  const { reported, reports } = setUp({ exists: ({ kind }) => kind === 'Provider' });
  reports.failing(hub, hub, 'failing', '503');
  expect(reported.map(({ about }) => about)).toEqual([{ kind: 'Provider', ...hub }]);
});

it('reports dead letters and conflicts once an hour, not for each event', () => {
  const { reported, reports, clock } = setUp();
  const conflicts = [{ key: 'env', sources: ['one', 'two'] }];
  for (clock.now = 0; clock.now < 3_600_000; clock.now += 60_000) {
    reports.deadLetter(hub, all, 'no subject');
    reports.metadataConflict(all, conflicts);
  }
  expect(reported.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
    'NotificationDispatchFailed: an event for Provider apps/hub became a dead letter: no subject',
    'MetadataAppendFailed: metadata keys with more than one source, the last of which wins: env (one, two)',
  ]);
  reports.deadLetter(hub, all, 'no subject');
  expect(reported).toHaveLength(3);
});

it('reports unreadable labels on the Alerts that select by them', () => {
  const anAlert = (name: string, source: Partial<Alert['spec']['eventSources'][number]>): Alert => ({
    metadata: { namespace: 'apps', name },
    spec: {
      providerRef: { name: 'hub' },
      eventSources: [{ kind: 'HelmRelease', name: '*', matchLabels: { a: 'b' }, ...source }],
    },
  });
  const { reported, reports } = setUp({
    alerts: [
      anAlert('any', {}),
      anAlert('named', { name: 'shop' }),
      anAlert('other-name', { name: 'billing' }),
      anAlert('other-kind', { kind: 'Kustomization' }),
      anAlert('other-namespace', { namespace: 'infra' }),
      anAlert('no-labels', { matchLabels: {} }),
    ],
  });
  reports.labelsUnreadable({ kind: 'HelmRelease', namespace: 'apps', name: 'shop' }, '404');
  expect(reported.map(({ about, reason }) => `${about.name}: ${reason}`)).toEqual([
    'any: SourceFetchFailed',
    'named: SourceFetchFailed',
  ]);
});
