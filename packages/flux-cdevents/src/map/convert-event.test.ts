import { parse } from 'cdevents-sdk';
import { describe, expect, it } from 'vitest';
import { aFluxEvent, aKustomizationEvent } from '../../test/helpers/flux-events.ts';
import type { FluxEvent } from '../flux/event.ts';
import { mergeMetadata } from '../flux/metadata.ts';
import { type Conversion, type ConversionRequest, convertEvent } from './convert-event.ts';

type Overrides = Partial<Omit<ConversionRequest, 'options'>> & {
  readonly options?: Partial<ConversionRequest['options']>;
};

const CHAIN = '8f6c6ed0-7930-5190-a0c7-357c4b8535c8';

function convert(event: FluxEvent, overrides: Overrides = {}): Conversion {
  const { options, ...rest } = overrides;
  return convertEvent({
    event,
    metadata: mergeMetadata(event, undefined).metadata,
    alert: { namespace: 'flux-system', name: 'all' },
    provider: { namespace: 'flux-system', name: 'hub' },
    cluster: undefined,
    source: undefined,
    chainId: CHAIN,
    memory: {},
    ...rest,
    options: { specVersion: '0.4', preset: 'rfc', unmapped: 'skip', unchanged: 'skip', ...options },
  });
}

function theCDEvent(result: Conversion) {
  const [mapped] = result.cdevents;
  if (result.cdevents.length !== 1 || !mapped || !('cdevent' in mapped)) {
    throw new Error(`expected one CDEvent, found ${JSON.stringify(result)}`);
  }
  return parse(JSON.stringify(mapped.cdevent));
}

const remediation = 'Helm uninstall remediation for release apps/podinfo.v1 with chart podinfo@6.5.1 succeeded';

describe('preset rfc', () => {
  it.each([
    ['InstallSucceeded', 'info', 'environment.modified', undefined],
    ['InstallFailed', 'error', 'incident.detected', undefined],
    ['UpgradeSucceeded', 'info', 'taskrun.finished', 'success'],
    ['UpgradeFailed', 'error', 'taskrun.finished', 'failure'],
    ['TestSucceeded', 'info', 'testcaserun.finished', 'pass'],
    ['TestFailed', 'error', 'testcaserun.finished', 'fail'],
    ['RollbackSucceeded', 'info', 'taskrun.finished', 'success'],
    ['RollbackFailed', 'error', 'taskrun.finished', 'failure'],
    ['UninstallSucceeded', 'info', 'environment.modified', undefined],
    ['UninstallFailed', 'error', 'incident.detected', undefined],
    ['ReconciliationSucceeded', 'info', 'environment.modified', undefined],
    ['ReconciliationFailed', 'error', 'incident.detected', undefined],
  ])('HelmRelease %s (%s) → %s, outcome %s', (reason, severity, name, outcome) => {
    const { context, subject } = theCDEvent(convert(aFluxEvent({ reason, severity })));
    expect(context.type).toMatch(`dev.cdevents.${name}.`);
    expect(subject.content.outcome).toBe(outcome);
  });

  it.each([
    ['ReconciliationSucceeded', 'info', 'environment.modified'],
    ['ReconciliationSucceeded', 'error', 'incident.detected'], // a deletion that failed
    ['ReconciliationFailed', 'error', 'incident.detected'],
    ['BuildFailed', 'error', 'incident.detected'],
    ['PruneFailed', 'error', 'incident.detected'],
    ['HealthCheckFailed', 'error', 'incident.detected'],
    ['ArtifactFailed', 'error', 'incident.detected'],
  ])('Kustomization %s (%s) → %s', (reason, severity, name) => {
    expect(theCDEvent(convert(aKustomizationEvent({ reason, severity }))).context.type).toMatch(
      `dev.cdevents.${name}.`,
    );
  });

  it.each([
    ['HelmRelease', 'DriftDetected', 'error'],
    ['HelmRelease', 'DependencyNotReady', 'info'], // waiting is not an occurrence
    ['HelmRelease', 'ArtifactFailed', 'error'],
    ['Kustomization', 'Progressing', 'info'],
    ['Kustomization', 'DependencyNotReady', 'info'],
    ['Kustomization', 'InstallSucceeded', 'info'],
    ['ArtifactGenerator', 'ReconciliationFailed', 'error'], // the reason is another kind's as well
    ['GitRepository', 'NewArtifact', 'info'],
  ])('%s %s is unmapped', (kind, reason, severity) => {
    const event = aFluxEvent({ involvedObject: { kind }, reason, severity });
    expect(convert(event)).toMatchObject({ cdevents: [], skipped: 'unmapped' });
  });

  it('writes test outcomes in the words of each spec version', () => {
    const outcomes = (['0.3', '0.4', '0.5'] as const).map((specVersion) =>
      ['TestSucceeded', 'TestFailed'].map(
        (reason) => theCDEvent(convert(aFluxEvent({ reason }), { options: { specVersion } })).subject.content.outcome,
      ),
    );
    expect(outcomes).toEqual([
      ['pass', 'fail'],
      ['pass', 'fail'],
      ['success', 'failure'],
    ]);
  });
});

describe('content', () => {
  it.each([
    [
      'environment.modified',
      aFluxEvent({
        reason: 'InstallSucceeded',
        metadata: { 'event.toolkit.fluxcd.io/environmentUrl': 'https://x.dev' },
      }),
      { id: 'apps', content: { name: 'apps', url: 'https://x.dev' } },
    ],
    [
      'taskrun.finished',
      aFluxEvent({ metadata: { 'event.toolkit.fluxcd.io/url': 'https://ci.example/1' } }),
      {
        id: 'apps/podinfo/helm-upgrade/v2',
        content: { taskName: 'helm-upgrade', outcome: 'success', url: 'https://ci.example/1' },
      },
    ],
    [
      'taskrun.finished of a failure, which names no release version',
      aFluxEvent({
        reason: 'UpgradeFailed',
        severity: 'error',
        message: 'Helm upgrade failed for release apps/podinfo with chart podinfo@6.6.0: no\nLast Helm logs:',
        metadata: { 'helm.toolkit.fluxcd.io/revision': '6.6.0' },
      }),
      {
        id: 'apps/podinfo/helm-upgrade/6.6.0',
        content: {
          taskName: 'helm-upgrade',
          outcome: 'failure',
          errors: 'Helm upgrade failed for release apps/podinfo with chart podinfo@6.6.0: no\nLast Helm logs:',
        },
      },
    ],
    [
      'testcaserun.finished',
      aFluxEvent({
        reason: 'TestFailed',
        severity: 'error',
        message: 'Helm test failed for release apps/podinfo.v2 with chart podinfo@6.5.1: timeout',
      }),
      {
        id: 'apps/podinfo/helm-test/v2',
        content: {
          outcome: 'fail',
          environment: { id: 'apps', source: '/flux/helm-controller' },
          testCase: { id: 'apps/podinfo/helm-test', name: 'helm-test', type: 'integration' },
          reason: 'Helm test failed for release apps/podinfo.v2 with chart podinfo@6.5.1: timeout',
        },
      },
    ],
    [
      'environment.modified of a remediation, letter by letter',
      aFluxEvent({ reason: 'UninstallSucceeded', message: remediation }),
      { id: 'apps', content: { name: 'apps' } },
    ],
  ])('%s', (_, event, { id, content }) => {
    const { subject, context } = theCDEvent(convert(event));
    expect(subject).toMatchObject({ id, source: context.source, content });
    expect(subject.content).toEqual(content);
  });

  it('incident.detected names environment, service and artifact, and part of its own id', () => {
    const message = 'Helm install failed for release team-b/broken with chart broken@1.0.0: no';
    const event = aFluxEvent({ reason: 'InstallFailed', severity: 'error', message });
    const { context, subject } = theCDEvent(convert(event, { cluster: 'eu-1' }));
    expect(subject).toMatchObject({
      id: `apps/podinfo/incident/${context.id.slice(0, 8)}`,
      content: {
        description: message,
        environment: { id: 'eu-1/apps', source: '/eu-1/flux/helm-controller' },
        service: { id: 'apps/podinfo', source: '/eu-1/flux/helm-controller' },
        artifactId: 'pkg:helm/broken@1.0.0',
      },
    });
  });

  it('spells url as uri in 0.5', () => {
    const event = aFluxEvent({ metadata: { 'event.toolkit.fluxcd.io/url': 'https://ci.example/1' } });
    expect(theCDEvent(convert(event, { options: { specVersion: '0.5' } })).subject.content).toEqual({
      taskName: 'helm-upgrade',
      outcome: 'success',
      uri: 'https://ci.example/1',
    });
  });

  it('carries the Flux event and what its message says as customData, without the token', () => {
    const event = aFluxEvent({ action: 'HelmUpgrade' });
    const { customData, customDataContentType } = theCDEvent(convert(event, { cluster: 'eu-1' }));
    expect(customDataContentType).toBe('application/json');
    expect(customData).toEqual({
      flux: {
        involvedObject: event.involvedObject,
        severity: 'info',
        timestamp: event.timestamp,
        message: event.message,
        reason: 'UpgradeSucceeded',
        metadata: { revision: '6.5.1' },
        reportingController: 'helm-controller',
        action: 'HelmUpgrade',
        cluster: 'eu-1',
        release: { namespace: 'apps', name: 'podinfo', version: 2 },
        chart: 'podinfo',
        chartVersion: '6.5.1',
      },
    });
  });

  it('reports a CDEvent that would not be valid, and does not make it', () => {
    const event = aFluxEvent({ metadata: { 'event.toolkit.fluxcd.io/url': 'not a uri' } });
    const { cdevents } = convert(event, { options: { specVersion: '0.5' } });
    expect(cdevents).toMatchObject([{ error: expect.stringContaining('subject.content.uri') }]);
  });
});

describe('environment id', () => {
  const withMetadata = (metadata: Record<string, string>) =>
    aFluxEvent({
      reason: 'InstallSucceeded',
      metadata: Object.fromEntries(
        Object.entries(metadata).map(([key, value]) => [`event.toolkit.fluxcd.io/${key}`, value]),
      ),
    });
  it.each([
    [{ environment: 'prod', env: 'p' }, 'eu-1', 'prod'],
    [{ env: 'staging' }, 'eu-1', 'staging'],
    [{}, 'eu-1', 'eu-1/apps'],
    [{}, undefined, 'apps'],
  ])('metadata %j in cluster %s → %s', (metadata, cluster, id) => {
    expect(theCDEvent(convert(withMetadata(metadata), { cluster })).subject.id).toBe(id);
  });
});

describe('context', () => {
  it('mirrors the Flux event', () => {
    expect(theCDEvent(convert(aFluxEvent())).context).toEqual({
      version: '0.4.1',
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      source: '/flux/helm-controller',
      type: 'dev.cdevents.taskrun.finished.0.2.0',
      timestamp: '2026-11-24T07:49:41Z',
      chainId: CHAIN,
    });
  });

  it('links to the previous event of its chain and to what triggered it', () => {
    const first = convert(aFluxEvent({ reason: 'UpgradeFailed', severity: 'error' }));
    const rollback = aFluxEvent({
      reason: 'RollbackSucceeded',
      metadata: { 'event.toolkit.fluxcd.io/triggerId': 'build-17' },
    });
    expect(theCDEvent(convert(rollback, { memory: first.memory })).context.links).toEqual([
      { linkType: 'PATH', from: { contextId: first.cdevents[0]?.id }, tags: {} },
      { linkType: 'RELATION', linkKind: 'TRIGGER', target: { contextId: 'build-17' }, tags: {} },
    ]);
    const another = convert(rollback, { memory: first.memory, chainId: 'another' });
    expect(theCDEvent(another).context.links).toHaveLength(1);
  });

  it('has neither chain nor links in 0.3', () => {
    const { context } = theCDEvent(convert(aFluxEvent(), { options: { specVersion: '0.3' } }));
    expect(Object.keys(context).sort()).toEqual(['id', 'source', 'timestamp', 'type', 'version']);
  });

  it.each([
    [undefined, undefined, '/flux/helm-controller'],
    ['eu-1', undefined, '/eu-1/flux/helm-controller'],
    [
      'eu-1',
      'https://flux.example/{cluster}/{namespace}/{kind}/{name}',
      'https://flux.example/eu-1/apps/HelmRelease/podinfo',
    ],
    ['eu 1', '/{cluster}', '/eu%201'],
  ])('source in cluster %s with template %s → %s', (cluster, source, expected) => {
    expect(theCDEvent(convert(aFluxEvent(), { cluster, source })).context.source).toBe(expected);
  });
});

describe('identity', () => {
  const idOf = (event: FluxEvent, overrides: Partial<ConversionRequest> = {}) =>
    convert(event, overrides).cdevents[0]?.id;
  const original = aFluxEvent();

  it('is the same for the same Flux event, whichever Alert selected it', () => {
    const alert = { namespace: 'apps', name: 'another' };
    expect(idOf(aFluxEvent(), { alert, chainId: 'another' })).toBe(idOf(original));
  });

  it.each<[string, FluxEvent, Partial<ConversionRequest>]>([
    ['cluster', original, { cluster: 'eu-1', metadata: { environment: 'apps', revision: '6.5.1' } }],
    ['group', aFluxEvent({ involvedObject: { apiVersion: 'helm.example/v2' } }), { metadata: { revision: '6.5.1' } }],
    ['namespace', aFluxEvent({ involvedObject: { namespace: 'b' } }), {}],
    ['name', aFluxEvent({ involvedObject: { name: 'b' } }), {}],
    ['uid', aFluxEvent({ involvedObject: { uid: 'b' } }), {}],
    ['reason', aFluxEvent({ reason: 'UpgradeFailed' }), {}],
    ['timestamp', aFluxEvent({ timestamp: '2026-11-24T07:49:42Z' }), {}],
    ['message', aFluxEvent({ message: 'Helm upgrade succeeded' }), {}],
    ['revision', original, { metadata: { revision: '6.5.2' } }],
    ['environment', original, { metadata: { revision: '6.5.1', env: 'prod' } }],
    ['token', aFluxEvent({ metadata: { 'helm.toolkit.fluxcd.io/revision': '6.5.1' } }), {}],
  ])('differs by %s', (_, event, overrides) => expect(idOf(event, overrides)).not.toBe(idOf(original)));
});

describe('unmapped: custom', () => {
  const drift = aFluxEvent({
    reason: 'DriftDetected',
    severity: 'error',
    message: 'Cluster state of release a/b.v1 has',
  });
  it.each(['0.4', '0.5'] as const)('makes a custom event of what no rule maps, in %s', (specVersion) => {
    const { context, subject } = theCDEvent(convert(drift, { options: { unmapped: 'custom', specVersion } }));
    expect(context.type).toBe('dev.cdeventsx.flux-HelmRelease.DriftDetected.0.1.0');
    expect(subject).toMatchObject({ id: 'apps/podinfo', content: { reason: 'DriftDetected', message: drift.message } });
  });
  it('leaves mapped events as they are', () => {
    const { context } = theCDEvent(convert(aFluxEvent(), { options: { unmapped: 'custom' } }));
    expect(context.type).toBe('dev.cdevents.taskrun.finished.0.2.0');
  });
});

it('says which rule and expression produced each field', () => {
  const { rule, tried, cdevents } = convert(aFluxEvent());
  expect(rule).toBe('upgrade-succeeded');
  expect(tried).toEqual(['install-succeeded', 'install-failed', 'upgrade-succeeded']);
  expect(cdevents[0]?.fields).toContainEqual({
    path: 'subject.id',
    expression: 'taskRun.id',
    value: 'apps/podinfo/helm-upgrade/v2',
  });
});
