import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UnreadPart } from '../src/config/config-source.ts';
import { createIssue } from '../src/diagnostics/issue.ts';
import type { Alert } from '../src/flux/alert.ts';
import type { FluxEvent } from '../src/flux/event.ts';
import { mergeMetadata } from '../src/flux/metadata.ts';
import { objectKey } from '../src/flux/object-ref.ts';
import { createMatcher } from '../src/match/matcher.ts';
import { silentLogger } from '../src/observe/log.ts';
import { createMetrics } from '../src/observe/metrics.ts';
import type { OutboxEntry } from '../src/outbox/entry.ts';
import type { Outbox } from '../src/outbox/outbox.ts';
import { openSqliteOutbox } from '../src/outbox/sqlite/sqlite-outbox.ts';
import { createPipeline, type Pipeline } from '../src/pipeline/accept.ts';
import { forwardProvider } from '../src/pipeline/forward.ts';
import type { ReadyProvider, ResolvedProvider } from '../src/provider/provider.ts';
import { aFluxEvent, aKustomizationEvent } from './helpers/flux-events.ts';
import { anInvalidProvider, aProvider as aReadyProvider } from './helpers/providers.ts';

const NOW = Date.parse('2026-11-24T08:00:00Z');
const HOUR = 3_600_000;

const anAlert = (name: string, spec: Partial<Alert['spec']> = {}): Alert => ({
  metadata: { namespace: 'flux-system', name },
  spec: {
    providerRef: { name: 'hub' },
    eventSources: [
      { kind: 'HelmRelease', namespace: 'apps', name: '*' },
      { kind: 'Kustomization', name: '*' },
    ],
    ...spec,
  },
});

const aProvider = (name: string, overrides: Parameters<typeof aReadyProvider>[0] = {}): ReadyProvider =>
  aReadyProvider({ ref: { namespace: 'flux-system', name }, ...overrides });

let folder: string;
let outbox: Outbox;
let now: number;
beforeEach(async () => {
  now = NOW;
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-pipeline-'));
  outbox = await openSqliteOutbox({ path: join(folder, 'outbox.db'), now: () => now });
});
afterEach(async () => {
  await outbox.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A pipeline whose configuration the test may change. */
function aPipeline(
  alerts: readonly Alert[],
  providers: readonly ResolvedProvider[],
  forward = false,
  unread: readonly UnreadPart[] = [],
) {
  const configure = (next: readonly ResolvedProvider[]) => ({
    snapshot: {
      alerts,
      providers: new Map(next.map((provider) => [`${provider.ref.namespace}/${provider.ref.name}`, provider])),
      problems: [],
      unread,
    },
    matcher: createMatcher(alerts),
  });
  let configuration = configure(providers);
  const metrics = createMetrics();
  const pipeline: Pipeline = createPipeline({
    config: { labels: async () => undefined },
    current: () => configuration,
    outbox,
    defaults: {},
    rateLimitIntervalMs: 5 * 60_000,
    forward,
    metrics,
    logger: silentLogger(),
  });
  return {
    pipeline,
    metrics,
    reconfigure: (next: readonly ResolvedProvider[]) => {
      configuration = configure(next);
    },
  };
}

/** Oldest first. */
async function stored(): Promise<readonly OutboxEntry[]> {
  const { entries } = await outbox.list({}, { limit: 100 });
  const shown = await Promise.all(entries.toReversed().map(({ id }) => outbox.show(id)));
  return shown.filter((entry) => entry !== undefined);
}
const claim = () => outbox.claim({ limit: 10, perProvider: 10, leaseMs: 1000 });
const cdeventOf = ({ message }: OutboxEntry) => JSON.parse(message ?? 'null');

describe('accept', () => {
  it('stores one CDEvent for each Provider that an Alert names', async () => {
    const alerts = [anAlert('a'), anAlert('b', { providerRef: { name: 'audit' } })];
    const { pipeline } = aPipeline(alerts, [aProvider('hub'), aProvider('audit', { options: { maxAgeMs: HOUR } })]);
    expect(await pipeline.accept(aFluxEvent())).toEqual({ status: 'stored' });
    expect(await stored()).toMatchObject([
      {
        provider: { name: 'hub' },
        alert: { name: 'a' },
        type: 'dev.cdevents.taskrun.finished.0.2.0',
        expiresAt: NOW + 24 * HOUR,
      },
      { provider: { name: 'audit' }, alert: { name: 'b' }, expiresAt: NOW + HOUR },
    ]);
  });

  it('sends the success of a Kustomization in each environment, and once in each', async () => {
    const alerts = ['staging', 'prod'].map((environment) => anAlert(environment, { eventMetadata: { environment } }));
    const { pipeline } = aPipeline(alerts, [aProvider('hub')]);
    for (const message of ['finished in 1s', 'finished in 2s']) {
      await pipeline.accept(aKustomizationEvent({ commitStatus: true, message }));
    }
    expect((await stored()).map((entry) => cdeventOf(entry).subject.id)).toEqual(['prod', 'staging']);
  });

  it('makes one event of two Alerts to one Provider, and two where they name different environments', async () => {
    const alerts = [anAlert('a'), anAlert('b'), anAlert('c', { eventMetadata: { environment: 'prod' } })];
    const { pipeline } = aPipeline(alerts, [aProvider('hub')]);
    await pipeline.accept(aFluxEvent({ reason: 'InstallSucceeded' }));
    const entries = await stored();
    expect(entries.map((entry) => cdeventOf(entry).subject.id)).toEqual(['apps', 'prod']);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(2);
  });

  it('recognises a duplicate', async () => {
    const { pipeline } = aPipeline([anAlert('a')], [aProvider('hub')]);
    await pipeline.accept(aFluxEvent());
    expect(await pipeline.accept(aFluxEvent())).toEqual({ status: 'duplicate', retryAfterMs: 5 * 60_000 });
    expect(await stored()).toHaveLength(1);
  });

  it.each<[string, readonly Alert[], readonly ResolvedProvider[], FluxEvent]>([
    ['no Alert selects it', [anAlert('a', { eventSeverity: 'error' })], [aProvider('hub')], aFluxEvent()],
    ['the Provider is suspended', [anAlert('a')], [aProvider('hub', { suspend: true })], aFluxEvent()],
    [
      'the Provider has a type that is not handled here',
      [anAlert('a')],
      [{ status: 'foreign', ref: { namespace: 'flux-system', name: 'hub' }, type: 'slack' }],
      aFluxEvent(),
    ],
    ['no rule maps it', [anAlert('a')], [aProvider('hub')], aFluxEvent({ reason: 'DependencyNotReady' })],
  ])('has nothing to do when %s', async (_, alerts, providers, event) => {
    expect(await aPipeline(alerts, providers).pipeline.accept(event)).toEqual({ status: 'nothing' });
    expect(await stored()).toEqual([]);
  });

  it('keeps what is for a missing Provider as a dead letter', async () => {
    await aPipeline([anAlert('a')], []).pipeline.accept(aFluxEvent());
    expect(await stored()).toMatchObject([
      { state: 'dead-letter', kind: 'cdevent', lastError: 'Provider flux-system/hub does not exist' },
    ]);
  });

  it('keeps a CDEvent that is not valid as a dead letter', async () => {
    const { pipeline } = aPipeline([anAlert('a')], [aProvider('hub', { options: { specVersion: '0.5' } })]);
    await pipeline.accept(aFluxEvent({ metadata: { 'event.toolkit.fluxcd.io/url': 'not a uri' } }));
    expect(await stored()).toMatchObject([
      { state: 'dead-letter', lastError: expect.stringContaining('subject.content.uri') },
    ]);
  });

  it('counts what was made of what', async () => {
    const providers = [aProvider('hub'), aProvider('audit', { options: { unmapped: 'custom' } })];
    const alerts = [anAlert('a'), anAlert('b', { providerRef: { name: 'audit' } })];
    const { pipeline, metrics } = aPipeline(alerts, providers);
    await pipeline.accept(aFluxEvent({ reason: 'DriftDetected', severity: 'error' }));
    await pipeline.accept(aFluxEvent());
    expect((await metrics.eventsMapped.get()).values).toMatchObject([
      { labels: { type: 'dev.cdeventsx.flux-HelmRelease.DriftDetected.0.1.0', preset: 'none' }, value: 1 },
      { labels: { type: 'dev.cdevents.taskrun.finished.0.2.0', preset: 'rfc' }, value: 2 },
    ]);
    expect((await metrics.eventsSkipped.get()).values).toMatchObject([{ labels: { reason: 'unmapped' }, value: 1 }]);
  });

  it('passes the raw event, with merged metadata, to a generic Provider', async () => {
    const alerts = [anAlert('a', { eventMetadata: { cluster: 'eu-1' } })];
    await aPipeline(alerts, [aProvider('hub', { type: 'generic' })]).pipeline.accept(aFluxEvent());
    const [entry] = await stored();
    expect(entry).toMatchObject({ kind: 'flux' });
    expect(entry).not.toHaveProperty('type');
    expect(JSON.parse(entry?.message ?? '')).toEqual({
      ...aFluxEvent(),
      metadata: { cluster: 'eu-1', revision: '6.5.1' },
    });
  });

  it('announces a revision once, over a restart, and again after a change', async () => {
    const finished = (message: string) => aKustomizationEvent({ commitStatus: true, message });
    const first = aPipeline([anAlert('a')], [aProvider('hub')]).pipeline;
    expect(await first.accept(finished('1'))).toEqual({ status: 'stored' });
    const { pipeline } = aPipeline([anAlert('a')], [aProvider('hub')]);
    expect(await pipeline.accept(finished('2'))).toEqual({ status: 'nothing' });
    await pipeline.accept(aKustomizationEvent({ reason: 'Progressing', message: 'ConfigMap/apps/x configured' }));
    expect(await pipeline.accept(finished('3'))).toEqual({ status: 'stored' });
    expect(await stored()).toHaveLength(2);
  });

  it('maps again what was mapped against a memory that changed meanwhile', async () => {
    const { pipeline } = aPipeline([anAlert('a')], [aProvider('hub')]);
    const events = ['UpgradeFailed', 'RollbackSucceeded', 'TestSucceeded', 'TestFailed'].map((reason) =>
      aFluxEvent({ reason }),
    );
    await Promise.all(events.map((event) => pipeline.accept(event)));
    const chains = (await stored()).map((entry) => cdeventOf(entry).context.chainId);
    expect(chains).toHaveLength(4);
    expect(new Set(chains).size).toBe(1);
    const links = (await stored()).flatMap((entry) => cdeventOf(entry).context.links ?? []);
    expect(new Set(links.map(({ from }) => from.contextId)).size).toBe(3);
  });

  it('gives the same ids for the same event in another store', async () => {
    await aPipeline([anAlert('a')], [aProvider('hub')]).pipeline.accept(aFluxEvent());
    const [before] = await stored();
    const another = await openSqliteOutbox({ path: join(folder, 'another.db'), now: () => now });
    await outbox.close();
    outbox = another;
    await aPipeline([anAlert('a')], [aProvider('hub')]).pipeline.accept(aFluxEvent());
    const [after] = await stored();
    expect(after?.id).toBe(before?.id);
    expect(after?.message).toBe(before?.message);
  });

  it('is refused until a configuration is there', async () => {
    const pipeline = createPipeline({
      config: { labels: async () => undefined },
      current: () => undefined,
      outbox,
      defaults: {},
      rateLimitIntervalMs: 1000,
      metrics: createMetrics(),
      logger: silentLogger(),
    });
    await expect(pipeline.accept(aFluxEvent())).rejects.toMatchObject({ code: 'FCE_CONFIG_NOT_LOADED' });
  });

  describe('while a part of the configuration could not be read yet', () => {
    const unread: readonly UnreadPart[] = [
      { problem: createIssue('unreadable', ['file'], 'a readable file', 'EIO'), sinceMs: 0, mayHoldMore: true },
    ];
    const notLoaded = { code: 'FCE_CONFIG_NOT_LOADED' };

    it('refuses an event that no Alert selects, since one that is not known may', async () => {
      const { pipeline } = aPipeline([], [aProvider('hub')], false, unread);
      await expect(pipeline.accept(aFluxEvent())).rejects.toMatchObject(notLoaded);
    });

    it('stores an event for a Provider that is not known, to be mapped when it is', async () => {
      const { pipeline, reconfigure } = aPipeline([anAlert('a')], [], false, unread);
      await pipeline.accept(aFluxEvent());
      expect(await stored()).toMatchObject([{ state: 'waiting' }]);
      reconfigure([aProvider('hub')]);
      for (const entry of (await claim()).entries) await pipeline.mapWaiting(entry);
      expect(await stored()).toMatchObject([{ type: 'dev.cdevents.taskrun.finished.0.2.0', state: 'pending' }]);
    });

    it('does not tell a webhook that its Provider does not exist', () => {
      const { pipeline } = aPipeline([], [aProvider('hub')], false, unread);
      expect(pipeline.provider({ namespace: 'flux-system', name: 'hub' })?.status).toBe('ready');
      expect(() => pipeline.provider({ namespace: 'flux-system', name: 'other' })).toThrow(
        expect.objectContaining(notLoaded),
      );
    });

    it('goes by what is known where only the last good version of a part is', async () => {
      const { pipeline } = aPipeline(
        [],
        [],
        false,
        unread.map((part) => ({ ...part, mayHoldMore: false })),
      );
      expect(await pipeline.accept(aFluxEvent())).toEqual({ status: 'nothing' });
    });
  });
});

describe('mapWaiting', () => {
  it('maps what waited for its Provider to be valid, in its place', async () => {
    const { pipeline, reconfigure } = aPipeline([anAlert('a')], [anInvalidProvider('hub')]);
    await pipeline.accept(aFluxEvent({ reason: 'UpgradeFailed' }));
    await pipeline.accept(aFluxEvent({ reason: 'RollbackSucceeded' }));
    expect(await stored()).toMatchObject([
      { kind: 'cdevent', state: 'waiting' },
      { kind: 'cdevent', state: 'waiting' },
    ]);

    reconfigure([aProvider('hub')]);
    const [first] = (await claim()).entries;
    if (!first) throw new Error('nothing to claim');
    expect(first.reason).toBe('UpgradeFailed');
    expect(await pipeline.mapWaiting(first)).toBe('committed');
    const [mapped] = (await claim()).entries;
    expect(mapped).toMatchObject({ type: 'dev.cdevents.taskrun.finished.0.2.0', reason: 'UpgradeFailed' });
    expect(mapped?.expiresAt).toBe(first.expiresAt);
    expect(mapped && cdeventOf(mapped).subject.content.outcome).toBe('failure');
  });

  it('changes nothing when the lease has ended meanwhile', async () => {
    const { pipeline, metrics, reconfigure } = aPipeline([anAlert('a')], [anInvalidProvider('hub')]);
    await pipeline.accept(aFluxEvent());
    reconfigure([aProvider('hub')]);
    const [first] = (await claim()).entries;
    if (!first) throw new Error('nothing to claim');
    now += 2000;
    const [again] = (await claim()).entries;
    expect(await pipeline.mapWaiting(first)).toBe('lost');
    expect(again?.id).toBe(first.id);
    expect(await stored()).toMatchObject([{ id: first.id, kind: 'cdevent', state: 'delivering' }]);
    expect((await stored())[0]).not.toHaveProperty('message');
    expect((await metrics.eventsMapped.get()).values).toEqual([]);
  });

  it('leaves an entry as it is when its Provider became invalid again', async () => {
    const { pipeline } = aPipeline([anAlert('a')], [anInvalidProvider('hub')]);
    await pipeline.accept(aFluxEvent());
    const [entry] = (await claim()).entries;
    if (!entry) throw new Error('nothing to claim');
    expect(await pipeline.mapWaiting(entry)).toBe('not-ready');
    expect(await stored()).toMatchObject([{ kind: 'cdevent', state: 'delivering', attempts: 0 }]);
  });
});

it('remembers an object under its group, kind, namespace and name', async () => {
  await aPipeline([anAlert('a')], [aProvider('hub')]).pipeline.accept(aFluxEvent());
  const { version, memory } = await outbox.recall(objectKey(aFluxEvent().involvedObject));
  expect(version).toBeGreaterThan(0);
  expect(JSON.parse(memory ?? '')).toMatchObject({ chain: { kind: 'rollout', revision: '6.5.1' } });
});

describe('with a notification-controller to forward to', () => {
  const to = forwardProvider('http://notification-controller.flux-system/');
  /** Spelled as no JSON.stringify would. */
  const body = (event: FluxEvent) => ` ${JSON.stringify({ ...event, unknown: 'é' })}\n`;

  it('one commit holds what is mapped and what is passed on, byte for byte', async () => {
    const { pipeline } = aPipeline([anAlert('a')], [aProvider('hub'), to], true);
    const event = aFluxEvent();
    expect(await pipeline.accept(event, body(event))).toEqual({ status: 'stored' });
    const [mapped, forwarded] = await stored();
    expect(mapped).toMatchObject({ provider: { name: 'hub' } });
    expect(forwarded).toMatchObject({
      provider: { namespace: '_', name: 'forward-to' },
      kind: 'forward',
      object: 'HelmRelease/apps/podinfo',
      message: body(event),
      expiresAt: NOW + 24 * HOUR,
    });
    expect(await pipeline.accept(event, body(event))).toMatchObject({ status: 'duplicate' });
    expect(await stored()).toHaveLength(2);
  });

  it('passes on what no Alert selects, and what is not mapped', async () => {
    const { pipeline } = aPipeline([anAlert('a')], [aProvider('hub'), to], true);
    await pipeline.accept(aFluxEvent({ involvedObject: { kind: 'Bucket' } }));
    await pipeline.accept(aFluxEvent({ reason: 'DriftDetected', severity: 'error' }));
    expect((await stored()).map(({ kind }) => kind)).toEqual(['forward', 'forward']);
  });

  it.each(['generic', 'generic-hmac'] as const)('leaves Providers of type %s to it', async (type) => {
    const { pipeline } = aPipeline([anAlert('a')], [aProvider('hub', { type }), to], true);
    await pipeline.accept(aFluxEvent());
    expect((await stored()).map((entry) => entry.kind)).toEqual(['forward']);
  });

  it('keeps nothing of an event while the configuration is not loaded', async () => {
    const { pipeline } = aPipeline([], [], true);
    await pipeline.accept(aFluxEvent());
    await expect(
      createPipeline({
        config: { labels: async () => undefined },
        current: () => undefined,
        outbox,
        defaults: {},
        rateLimitIntervalMs: 0,
        forward: true,
        metrics: createMetrics(),
        logger: silentLogger(),
      }).accept(aFluxEvent({ reason: 'TestFailed' })),
    ).rejects.toMatchObject({ code: 'FCE_CONFIG_NOT_LOADED' });
    expect(await stored()).toHaveLength(1);
  });

  it('keeps the body as it came when entries are mapped anew', async () => {
    const { pipeline } = aPipeline([], [to], true);
    const event = aFluxEvent();
    await pipeline.accept(event, body(event));
    const [first] = (await claim()).entries;
    if (!first) throw new Error('nothing claimed');
    expect(first).not.toHaveProperty('source');
    await outbox.settle([{ id: first.id, leaseId: first.leaseId, outcome: 'dead-letter', error: 'x' }]);
    await outbox.replay({}, { maxAgeMs: HOUR, remap: true });
    expect(await stored()).toMatchObject([
      { id: first.id, kind: 'forward', message: body(event), state: 'pending', expiresAt: NOW + HOUR },
    ]);
  });
});

describe('acceptFor', () => {
  const hub = { namespace: 'flux-system', name: 'hub' };
  const received = (event: FluxEvent) => {
    const { metadata } = mergeMetadata(event, undefined);
    return { event: { ...event, metadata }, body: Buffer.from(JSON.stringify({ ...event, metadata })) };
  };
  const webhookOnly = aProvider('hub', { webhookOnly: true });

  it('maps for the Provider that is named, without an Alert', async () => {
    const { pipeline } = aPipeline([], [webhookOnly]);
    const { event, body } = received(
      aFluxEvent({
        metadata: {
          'helm.toolkit.fluxcd.io/revision': '6.5.1',
          'event.toolkit.fluxcd.io/env': 'prod',
          'event.toolkit.fluxcd.io/chainId': 'my-chain',
          'event.toolkit.fluxcd.io/triggerId': 'my-trigger',
        },
      }),
    );
    expect(await pipeline.acceptFor(hub, event, body)).toEqual({ status: 'stored' });
    const [entry] = await stored();
    if (!entry) throw new Error('nothing stored');
    expect(entry).toMatchObject({ provider: hub, alert: hub });
    expect(cdeventOf(entry)).toMatchObject({
      context: {
        chainId: 'my-chain',
        links: [{ linkType: 'RELATION', linkKind: 'TRIGGER', target: { contextId: 'my-trigger' }, tags: {} }],
      },
      customData: { flux: { metadata: { revision: '6.5.1', env: 'prod' } } },
    });
  });

  it('takes the same body for the same Provider once, and another body as another event', async () => {
    const { pipeline } = aPipeline([], [webhookOnly, aProvider('other')]);
    const { event, body } = received(aFluxEvent());
    expect(await pipeline.acceptFor(hub, event, body)).toEqual({ status: 'stored' });
    expect(await pipeline.acceptFor(hub, event, body)).toEqual({ status: 'duplicate', retryAfterMs: 5 * 60_000 });
    expect(await pipeline.acceptFor({ ...hub, name: 'other' }, event, body)).toEqual({ status: 'stored' });
    const later = received(aFluxEvent({ timestamp: '2026-11-24T07:49:42Z' }));
    expect(await pipeline.acceptFor(hub, later.event, later.body)).toEqual({ status: 'stored' });
  });

  it('is no duplicate of the event endpoint, whose ids are others since the token is known there', async () => {
    const { pipeline } = aPipeline([anAlert('a')], [aProvider('hub')]);
    expect(await pipeline.accept(aFluxEvent())).toEqual({ status: 'stored' });
    const { event, body } = received(aFluxEvent());
    expect(await pipeline.acceptFor(hub, event, body)).toEqual({ status: 'stored' });
  });

  it('recognises a success that is not news', async () => {
    const { pipeline } = aPipeline([], [webhookOnly]);
    for (const [message, status] of [
      ['finished in 1s', 'stored'],
      ['finished in 2s', 'nothing'],
    ]) {
      const { event, body } = received(aKustomizationEvent({ commitStatus: true, ...(message && { message }) }));
      expect(await pipeline.acceptFor(hub, event, body)).toEqual({ status });
    }
  });

  it('lets events wait for a Provider that is invalid', async () => {
    const { pipeline, reconfigure } = aPipeline([], [{ ...anInvalidProvider('hub'), webhookOnly: true }]);
    const { event, body } = received(aFluxEvent());
    expect(await pipeline.acceptFor(hub, event, body)).toEqual({ status: 'stored' });
    expect(await stored()).toMatchObject([{ kind: 'cdevent', state: 'waiting' }]);
    reconfigure([webhookOnly]);
    for (const entry of (await claim()).entries) await pipeline.mapWaiting(entry);
    expect(await stored()).toMatchObject([{ type: 'dev.cdevents.taskrun.finished.0.2.0' }]);
  });

  it('drops what comes for a suspended Provider', async () => {
    const { pipeline } = aPipeline([], [aProvider('hub', { suspend: true })]);
    const { event, body } = received(aFluxEvent());
    expect(await pipeline.acceptFor(hub, event, body)).toEqual({ status: 'nothing' });
  });

  it.each([
    ['ready', aProvider('hub', { webhookOnly: true })],
    ['invalid', { ...anInvalidProvider('hub'), webhookOnly: true } as const],
  ])('is the only way to a Provider that is %s and for the webhook', async (_, provider) => {
    expect(await aPipeline([anAlert('a')], [provider]).pipeline.accept(aFluxEvent())).toEqual({ status: 'nothing' });
  });
});
