import { describe, expect, it } from 'vitest';
import { aFluxEvent, aKustomizationEvent } from '../../../test/helpers/flux-events.ts';
import { cdeventsOf, mapStory, tell } from '../../../test/helpers/map-story.ts';
import type { FluxEvent } from '../../flux/event.ts';

const start = Date.parse('2026-11-24T08:00:00Z');
/** A minute lies between two numbers. */
const minute = (count: number) => new Date(start + count * 60_000).toISOString();
/** Event after event, a minute apart. */
const inTime = (events: readonly FluxEvent[]): FluxEvent[] =>
  events.map((event, index) => ({ ...event, timestamp: minute(index) }));

const chart = 'release apps/podinfo.v2 with chart podinfo@6.5.1';
const helm = (reason: string, message = `Helm something for ${chart}`): FluxEvent =>
  aFluxEvent({ reason, severity: reason.endsWith('Failed') || reason === 'DriftDetected' ? 'error' : 'info', message });
const removal = (result = 'succeeded') => `Helm uninstall ${result} for ${chart}`;
const remediation = (result = 'succeeded') => `Helm uninstall remediation for ${chart} ${result}`;
const kustomization = (revision: string, reason?: string, more: Partial<FluxEvent> = {}): FluxEvent =>
  reason === undefined
    ? aKustomizationEvent({ revision, commitStatus: true, ...more })
    : aKustomizationEvent({ revision, reason, severity: 'error', message: `${reason} somehow`, ...more });

describe('preset service', () => {
  it.each<[string, FluxEvent, string]>([
    ['HelmRelease InstallSucceeded', helm('InstallSucceeded'), 'service.deployed'],
    ['HelmRelease UpgradeSucceeded', helm('UpgradeSucceeded'), 'service.upgraded'],
    ['HelmRelease RollbackSucceeded', helm('RollbackSucceeded'), 'service.rolledback'],
    ['HelmRelease UninstallSucceeded, asked for', helm('UninstallSucceeded', removal()), 'service.removed'],
    ['HelmRelease UninstallSucceeded, a remediation', helm('UninstallSucceeded', remediation()), 'taskrun.finished'],
    // Flux 2.10 has an action, and it is the same for both.
    [
      'the removal as Flux 2.10 says it',
      { ...helm('UninstallSucceeded', removal()), action: 'HelmUninstall' },
      'service.removed',
    ],
    [
      'the remediation as Flux 2.10 says it',
      { ...helm('UninstallSucceeded', remediation()), action: 'HelmUninstall' },
      'taskrun.finished',
    ],
    ['HelmRelease TestSucceeded', helm('TestSucceeded'), 'testsuiterun.finished'],
    ['HelmRelease TestFailed', helm('TestFailed'), 'testsuiterun.finished + incident.detected 1'],
    ['HelmRelease InstallFailed', helm('InstallFailed'), 'taskrun.finished'],
    ['HelmRelease UninstallFailed', helm('UninstallFailed', removal('failed')), 'taskrun.finished'],
    ['HelmRelease UninstallFailed, a remediation', helm('UninstallFailed', remediation('failed')), 'taskrun.finished'],
    ['HelmRelease UpgradeFailed', helm('UpgradeFailed'), 'taskrun.finished + incident.detected 1'],
    ['HelmRelease RollbackFailed', helm('RollbackFailed'), 'taskrun.finished + incident.detected 1'],
    ['HelmRelease ArtifactFailed', helm('ArtifactFailed', 'no chart'), 'taskrun.finished'],
    ['HelmRelease ValuesError', aFluxEvent({ reason: 'ValuesError', severity: 'error' }), 'taskrun.finished'],
    ['HelmRelease AccessDenied', aFluxEvent({ reason: 'AccessDenied', severity: 'error' }), 'taskrun.finished'],
    ['HelmRelease DriftDetected', helm('DriftDetected'), ''],
    ['HelmRelease DriftCorrected', helm('DriftCorrected'), ''],
    ['HelmRelease DependencyNotReady', helm('DependencyNotReady'), ''], // waiting is not an occurrence
    ['Kustomization ReconciliationSucceeded', kustomization('a'), 'environment.modified'],
    ['Kustomization BuildFailed', kustomization('a', 'BuildFailed'), 'incident.detected 1'],
    ['Kustomization HealthCheckFailed', kustomization('a', 'HealthCheckFailed'), 'incident.detected 1'],
    ['Kustomization AccessDenied', kustomization('a', 'AccessDenied'), 'incident.detected 1'],
    ['Kustomization Progressing', kustomization('a', 'Progressing', { severity: 'info' }), ''],
    ['Kustomization DependencyNotReady', kustomization('a', 'DependencyNotReady', { severity: 'info' }), ''],
    [
      'a Kustomization whose deletion fails',
      kustomization('a', 'ReconciliationSucceeded', { severity: 'error' }),
      'incident.detected 1',
    ],
    ['GitRepository NewArtifact', aFluxEvent({ involvedObject: { kind: 'GitRepository' }, reason: 'NewArtifact' }), ''],
    ['ArtifactGenerator InstallSucceeded', aFluxEvent({ involvedObject: { kind: 'ArtifactGenerator' } }), ''],
  ])('%s', (_, event, expected) => expect(tell(mapStory([event]))).toEqual([expected]));

  it.each<[string, readonly FluxEvent[], readonly string[]]>([
    [
      'a failure is detected once, and resolved once',
      [helm('UpgradeFailed'), helm('UpgradeFailed'), helm('UpgradeSucceeded'), helm('UpgradeSucceeded')],
      [
        'taskrun.finished + incident.detected 1',
        'taskrun.finished',
        'service.upgraded + incident.resolved 1',
        'service.upgraded',
      ],
    ],
    [
      'a rollback repairs and resolves nothing',
      [helm('UpgradeFailed'), helm('RollbackSucceeded'), helm('UpgradeFailed'), helm('UpgradeSucceeded')],
      [
        'taskrun.finished + incident.detected 1',
        'service.rolledback',
        'taskrun.finished',
        'service.upgraded + incident.resolved 1',
      ],
    ],
    [
      'so does an uninstall that is a remediation',
      [helm('UpgradeFailed'), helm('UninstallSucceeded', remediation()), helm('InstallSucceeded')],
      ['taskrun.finished + incident.detected 1', 'taskrun.finished', 'service.deployed + incident.resolved 1'],
    ],
    [
      'a rollback that fails belongs to the same incident',
      [helm('UpgradeFailed'), helm('RollbackFailed'), helm('UpgradeSucceeded')],
      ['taskrun.finished + incident.detected 1', 'taskrun.finished', 'service.upgraded + incident.resolved 1'],
    ],
    [
      'tests that work again resolve',
      [helm('TestFailed'), helm('TestSucceeded'), helm('TestFailed')],
      [
        'testsuiterun.finished + incident.detected 1',
        'testsuiterun.finished + incident.resolved 1',
        'testsuiterun.finished + incident.detected 2',
      ],
    ],
    [
      'a failed install is no incident, and its repetition resolves none',
      [helm('InstallFailed'), helm('UninstallSucceeded', remediation()), helm('InstallSucceeded')],
      ['taskrun.finished', 'taskrun.finished', 'service.deployed'],
    ],
    [
      'an object that is removed while broken leaves no open incident',
      [helm('UpgradeFailed'), helm('UninstallSucceeded', removal()), helm('InstallSucceeded')],
      ['taskrun.finished + incident.detected 1', 'service.removed + incident.resolved 1', 'service.deployed'],
    ],
    [
      'one that is made anew without a word takes its incident along',
      [
        helm('UpgradeFailed'),
        aFluxEvent({ reason: 'InstallSucceeded', involvedObject: { uid: 'another' } }),
        helm('UpgradeFailed'),
      ],
      [
        'taskrun.finished + incident.detected 1',
        'service.deployed + incident.resolved 1',
        'taskrun.finished + incident.detected 2',
      ],
    ],
    [
      'a Kustomization: once for each revision that fails, resolved once',
      [
        kustomization('a'),
        kustomization('b', 'HealthCheckFailed'),
        kustomization('b', 'ReconciliationFailed'),
        kustomization('c', 'BuildFailed'),
        kustomization('b', 'HealthCheckFailed'),
        kustomization('d'),
        kustomization('d'),
      ],
      [
        'environment.modified',
        'incident.detected 1',
        '',
        'incident.detected 1',
        '',
        'environment.modified + incident.resolved 1',
        '',
      ],
    ],
    [
      'a Kustomization that recovers without a new revision',
      [kustomization('a'), kustomization('a', 'HealthCheckFailed'), kustomization('a'), kustomization('a')],
      ['environment.modified', 'incident.detected 1', 'environment.modified + incident.resolved 1', ''],
    ],
    [
      'a Kustomization that is deleted while broken says why it was',
      [
        kustomization('a', 'HealthCheckFailed'),
        kustomization('a', 'HealthCheckFailed', { severity: 'info', message: 'ConfigMap/apps/x deleted' }),
      ],
      ['incident.detected 1', 'environment.modified + incident.resolved 1'],
    ],
    [
      'the same as Flux 2.10 says it',
      [
        kustomization('a', 'AccessDenied', { action: 'ResolveSource' }),
        kustomization('a', 'AccessDenied', { severity: 'info', action: 'Finalize' }),
      ],
      ['incident.detected 1', 'environment.modified + incident.resolved 1'],
    ],
  ])('%s', (_, events, expected) => expect(tell(mapStory(inTime(events)))).toEqual(expected));

  it.each<[string, readonly FluxEvent[], readonly string[]]>([
    [
      'a failure that comes after the recovery that followed it',
      [
        { ...helm('UpgradeSucceeded'), timestamp: minute(2) },
        { ...helm('UpgradeFailed'), timestamp: minute(1) },
        { ...helm('UpgradeFailed'), timestamp: minute(3) },
      ],
      ['service.upgraded', 'taskrun.finished', 'taskrun.finished + incident.detected 1'],
    ],
    [
      'a success that comes after the failure that followed it',
      [
        { ...helm('UpgradeFailed'), timestamp: minute(2) },
        { ...helm('UpgradeSucceeded'), timestamp: minute(1) },
        { ...helm('UpgradeSucceeded'), timestamp: minute(3) },
      ],
      ['taskrun.finished + incident.detected 1', 'service.upgraded', 'service.upgraded + incident.resolved 1'],
    ],
    [
      'a success that is older than the last of several failures',
      [
        { ...helm('UpgradeFailed'), timestamp: minute(1) },
        { ...helm('UpgradeFailed'), timestamp: minute(3) },
        { ...helm('UpgradeSucceeded'), timestamp: minute(2) },
      ],
      ['taskrun.finished + incident.detected 1', 'taskrun.finished', 'service.upgraded'],
    ],
    [
      'all within one second, in the order of arrival',
      [helm('UpgradeSucceeded'), helm('TestFailed'), helm('TestSucceeded')],
      [
        'service.upgraded',
        'testsuiterun.finished + incident.detected 1',
        'testsuiterun.finished + incident.resolved 1',
      ],
    ],
  ])('%s', (_, events, expected) => expect(tell(mapStory(events))).toEqual(expected));

  it('gives the same CDEvents for the events of the last incident when they come again', () => {
    const [failed, again, repaired] = inTime([helm('UpgradeFailed'), helm('UpgradeFailed'), helm('UpgradeSucceeded')]);
    if (!failed || !again || !repaired) throw new Error('three events');
    const ids = (events: readonly FluxEvent[]) =>
      mapStory(events).map((result) => cdeventsOf(result).map(({ context }) => context.id));
    const [first, second, third] = ids([failed, again, repaired]);
    expect(ids([failed, again, repaired, failed, again, repaired])).toEqual([
      first,
      second,
      third,
      first,
      second,
      third,
    ]);
  });

  it('gives the same for the last event when it comes again, links included', () => {
    const events = inTime([helm('UpgradeFailed'), helm('RollbackSucceeded'), helm('RollbackFailed')]);
    for (let count = 1; count <= events.length; count++) {
      const story = events.slice(0, count);
      const [again, last] = mapStory([...story, ...story.slice(-1)])
        .map(cdeventsOf)
        .toReversed();
      expect(again).toEqual(last);
    }
  });

  it('knows what it knew after a restart', () => {
    const events = inTime([helm('UpgradeFailed'), helm('RollbackSucceeded'), helm('UpgradeSucceeded')]);
    const results = mapStory(events, { carry: (memory) => JSON.parse(JSON.stringify(memory)) });
    expect(results).toEqual(mapStory(events));
  });
});

describe('the chain of an incident', () => {
  const events = inTime([
    helm('UpgradeFailed'),
    helm('RollbackSucceeded'),
    helm('UpgradeFailed'),
    helm('RollbackSucceeded'),
    helm('UpgradeSucceeded'),
    helm('TestSucceeded'),
  ]);
  const told = mapStory(events).flatMap(cdeventsOf);
  const chains = [...new Set(told.map(({ context }) => context.chainId))];
  const linkOf = (index: number) => told[index]?.context.links;

  it('begins with the attempt that broke the object and ends with the recovery', () => {
    const story = told.map(({ context }) => {
      const name = context.type.split('.').slice(2, 4).join('.');
      return `${chains.indexOf(context.chainId) + 1} ${name}`;
    });
    expect(story).toEqual([
      '1 taskrun.finished',
      '1 incident.detected',
      '1 service.rolledback',
      '2 taskrun.finished',
      '2 service.rolledback',
      '3 service.upgraded',
      '1 incident.resolved',
      '3 testsuiterun.finished',
    ]);
  });

  it('links each to the one before it in its chain', () => {
    const from = (index: number) => [{ linkType: 'PATH', from: { contextId: told[index]?.context.id }, tags: {} }];
    expect(told.map((_, index) => linkOf(index))).toEqual([
      undefined,
      from(0),
      from(1),
      undefined,
      from(3),
      undefined,
      from(2), // the recovery to the rollback of the attempt that it ends
      from(5),
    ]);
  });

  it('is the one that the Flux object names, if it names one', () => {
    const metadata = { 'event.toolkit.fluxcd.io/chainId': 'd5c2d6c4-7c9f-4b6c-9a55-4d1c62fd9c5e' };
    const named = mapStory(events.map((event) => ({ ...event, metadata }))).flatMap(cdeventsOf);
    expect(new Set(named.map(({ context }) => context.chainId))).toEqual(
      new Set([metadata['event.toolkit.fluxcd.io/chainId']]),
    );
  });
});

describe('content', () => {
  it.each<[string, FluxEvent, Record<string, unknown>]>([
    [
      'service.deployed',
      helm('InstallSucceeded', `Helm install succeeded for ${chart}`),
      {
        id: 'apps/podinfo',
        content: { environment: { id: 'apps', source: '/flux/helm-controller' }, artifactId: 'pkg:helm/podinfo@6.5.1' },
      },
    ],
    [
      'service.removed',
      helm('UninstallSucceeded', removal()),
      { id: 'apps/podinfo', content: { environment: { id: 'apps', source: '/flux/helm-controller' } } },
    ],
    [
      'taskrun.finished of a remediation',
      helm('UninstallSucceeded', remediation()),
      {
        id: 'apps/podinfo/helm-uninstall-remediation/v2',
        content: { taskName: 'helm-uninstall-remediation', outcome: 'success' },
      },
    ],
    [
      'taskrun.finished of values that are missing',
      aFluxEvent({ reason: 'ValuesError', severity: 'error', message: 'no ConfigMap', metadata: {} }),
      {
        id: 'apps/podinfo/helm-reconcile',
        content: { taskName: 'helm-reconcile', outcome: 'error', errors: 'no ConfigMap' },
      },
    ],
    [
      'testsuiterun.finished',
      helm('TestFailed', `Helm test failed for ${chart}: timeout`),
      {
        id: 'apps/podinfo/helm-test/v2',
        content: {
          outcome: 'fail',
          environment: { id: 'apps', source: '/flux/helm-controller' },
          testSuite: { id: 'apps/podinfo/helm-test', name: 'helm-test' },
          reason: `Helm test failed for ${chart}: timeout`,
        },
      },
    ],
  ])('%s', (_, event, expected) => {
    const [cdevent] = mapStory([event]).flatMap(cdeventsOf);
    expect(cdevent?.subject).toMatchObject(expected);
    expect(cdevent?.subject.content).toEqual(expected.content);
  });

  it('incident.resolved has the subject of its incident.detected, and the same fields', () => {
    const [, detected, , resolved] = mapStory(
      inTime([helm('UpgradeFailed'), helm('UpgradeSucceeded', `Helm upgrade succeeded for ${chart}`)]),
    ).flatMap(cdeventsOf);
    expect(detected?.subject.id).toBe(`apps/podinfo/incident/${detected?.context.id.slice(0, 8)}`);
    expect(resolved?.subject).toMatchObject({
      id: detected?.subject.id,
      content: {
        ...detected?.subject.content,
        description: `Helm upgrade succeeded for ${chart}`,
        artifactId: 'pkg:helm/podinfo@6.5.1',
      },
    });
  });
});
