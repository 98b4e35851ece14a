import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Alert } from '../src/flux/alert.ts';
import type { FluxEvent } from '../src/flux/event.ts';
import { nameOf } from '../src/flux/object-ref.ts';
import type { ResolvedProvider } from '../src/flux/provider.ts';
import { createMatcher } from '../src/match/matcher.ts';
import { silentLogger } from '../src/observe/log.ts';
import { createMetrics } from '../src/observe/metrics.ts';
import type { OutboxEntry } from '../src/outbox/entry.ts';
import type { Outbox } from '../src/outbox/outbox.ts';
import { openSqliteOutbox } from '../src/outbox/sqlite/sqlite-outbox.ts';
import { createPipeline } from '../src/pipeline.ts';
import { aFluxEvent } from './helpers/flux-events.ts';
import { anInvalidProvider, aProvider } from './helpers/providers.ts';

/*
 * The life of an incident on a real store: events come at the same time, again, in another order, before and after a
 * restart. What is told here is what lies in the outbox in the end.
 */

const START = Date.parse('2026-11-24T08:00:00Z');
const folders: string[] = [];
let path: string;
let outbox: Outbox;
let now: number;
const open = async () => {
  outbox = await openSqliteOutbox({ path });
};
const begin = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-incidents-'));
  folders.push(folder);
  path = join(folder, 'outbox.db');
  now = START;
  await open();
};
beforeEach(begin);
afterEach(async () => {
  await outbox.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const service = aProvider({ options: { preset: 'service' } });
const anAlert = (name: string, spec: Partial<Alert['spec']> = {}): Alert => ({
  metadata: { namespace: 'flux-system', name },
  spec: {
    providerRef: { name: 'hub' },
    eventSources: [{ kind: 'HelmRelease', namespace: 'apps', name: '*' }],
    ...spec,
  },
});

function aPipeline(provider: ResolvedProvider = service, alerts: readonly Alert[] = [anAlert('all')]) {
  const snapshot = { alerts, providers: new Map([[nameOf(provider.ref), provider]]), problems: [] };
  const matcher = createMatcher(alerts);
  return createPipeline({
    config: { labels: async () => undefined },
    current: () => ({ snapshot, matcher }),
    outbox,
    defaults: {},
    rateLimitIntervalMs: 1000,
    metrics: createMetrics(),
    logger: silentLogger(),
    now: () => now,
  });
}

const at = (minute: number) => ({ timestamp: new Date(START + minute * 60_000).toISOString() });
const failure = (minute: number, more: Partial<FluxEvent> = {}) =>
  aFluxEvent({
    reason: 'UpgradeFailed',
    severity: 'error',
    message: `Helm upgrade failed for release apps/podinfo with chart podinfo@6.6.0: attempt ${minute}`,
    ...at(minute),
    ...more,
  });
const success = (minute: number) =>
  aFluxEvent({
    ...at(minute),
    message: `Helm upgrade succeeded for release apps/podinfo.v${minute} with chart podinfo@6.5.1`,
  });

const entries = async (): Promise<readonly OutboxEntry[]> =>
  (await outbox.list({}, { limit: 500 })).entries.toReversed();
/** `incident.detected apps/podinfo/incident/28114030`, in the order of the outbox. */
async function incidents(): Promise<readonly string[]> {
  const all = await entries();
  return all.flatMap(({ type, message }) => {
    const [, name] = /^dev\.cdevents\.(incident\.\w+)\./.exec(type) ?? [];
    return name ? [`${name} ${JSON.parse(message ?? '{}').subject.id}`] : [];
  });
}
const predicates = async () => (await incidents()).map((incident) => incident.split(' ')[0]);
const subjects = async () => new Set((await incidents()).map((incident) => incident.split(' ')[1]));

describe('the incident of an object', () => {
  it('is detected once, however many failures come at the same moment', async () => {
    const { accept } = aPipeline();
    await Promise.all(Array.from({ length: 20 }, (_, minute) => accept(failure(minute))));
    expect(await predicates()).toEqual(['incident.detected']);
    expect((await entries()).filter(({ type }) => type.includes('taskrun'))).toHaveLength(20);
  });

  it('is resolved once, however many recoveries do', async () => {
    const { accept } = aPipeline();
    await accept(failure(0));
    await Promise.all(Array.from({ length: 20 }, (_, index) => accept(success(index + 1))));
    expect(await predicates()).toEqual(['incident.detected', 'incident.resolved']);
    expect((await subjects()).size).toBe(1);
  });

  it('is remembered over a restart', async () => {
    await aPipeline().accept(failure(0));
    await outbox.close();
    await open();
    const { accept } = aPipeline();
    await accept(failure(1));
    await accept(success(2));
    expect(await predicates()).toEqual(['incident.detected', 'incident.resolved']);
    expect((await subjects()).size).toBe(1);
  });

  it('does not come back with an event that is posted again when the mark of the first has expired', async () => {
    const { accept } = aPipeline();
    for (const event of [failure(0), success(1)]) await accept(event);
    const before = await entries();
    now += 60_000;
    for (const event of [failure(0), success(1), failure(0)]) {
      expect(await accept(event)).toMatchObject({ status: 'duplicate' });
    }
    expect(await entries()).toEqual(before);
  });

  it('is one for each environment that the Alerts name', async () => {
    const alerts = ['staging', 'production'].map((environment) =>
      anAlert(environment, { eventMetadata: { environment } }),
    );
    const { accept } = aPipeline(service, alerts);
    for (const event of [failure(0), failure(1), success(2)]) await accept(event);
    expect((await predicates()).sort()).toEqual([
      'incident.detected',
      'incident.detected',
      'incident.resolved',
      'incident.resolved',
    ]);
    expect((await subjects()).size).toBe(2);
  });

  it('is told to two Alerts of one Provider once', async () => {
    const { accept } = aPipeline(service, [anAlert('a'), anAlert('b')]);
    for (const event of [failure(0), success(1)]) await accept(event);
    expect(await predicates()).toEqual(['incident.detected', 'incident.resolved']);
  });

  it('is found in what waited while the Provider was wrong', async () => {
    const wrong = aPipeline(anInvalidProvider('hub'));
    for (const event of [failure(0), failure(1), success(2)]) await wrong.accept(event);
    const right = aPipeline();
    for (let waiting = 3; waiting > 0; waiting--) {
      const { entries: claimed } = await outbox.claim({ limit: 1, perProvider: 10, leaseMs: 1000, at: now });
      for (const entry of claimed) {
        await right.expand(entry);
        // what came of it has to be delivered before the next of the object can be claimed
        const { entries: made } = await outbox.claim({ limit: 10, perProvider: 10, leaseMs: 1000, at: now });
        const settled = made.map(({ id, leaseId }) => ({ id, leaseId, at: now, outcome: 'delivered' }) as const);
        await outbox.settle(settled);
      }
    }
    await settleAll();
    expect((await predicates()).filter((name) => name === 'incident.detected')).toHaveLength(1);
  });

  it('stays told when its CDEvents are mapped anew', async () => {
    const { accept, expand } = aPipeline();
    for (const event of [failure(0), success(1)]) await accept(event);
    const told = await incidents();
    await settleAll('dead-letter');
    await outbox.replay({}, { at: now, expiresAt: now + 60_000, remap: true });
    for (let round = 0; round < 8; round++) {
      const { entries: claimed } = await outbox.claim({ limit: 10, perProvider: 10, leaseMs: 1000, at: now });
      for (const entry of claimed) {
        if (entry.message === undefined) await expand(entry);
        else await outbox.settle([{ id: entry.id, leaseId: entry.leaseId, at: now, outcome: 'delivered' }]);
      }
    }
    expect((await incidents()).toSorted()).toEqual(told.toSorted());
    expect((await entries()).map(({ state }) => state)).toEqual(['delivered', 'delivered', 'delivered', 'delivered']);
  });

  it('ends as its events say, in whatever order they arrive and however often', async () => {
    const arrivals = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), arrivals, async (fails, order) => {
        await outbox.close();
        await begin();
        const { accept } = aPipeline();
        await Promise.all(order.map((minute) => accept(fails[minute] ? failure(minute) : success(minute))));
        const told = await incidents();
        expect(new Set(told).size).toBe(told.length);
        for (const subject of await subjects()) {
          const ofIt = told.filter((incident) => incident.endsWith(` ${subject}`));
          expect(ofIt[0]).toBe(`incident.detected ${subject}`);
          expect(ofIt.length).toBeLessThanOrEqual(2);
        }
        const isBroken = fails[Math.max(...order)];
        const opened = told.filter((incident) => incident.startsWith('incident.detected')).length;
        if (!isBroken) expect(told.length).toBe(2 * opened);
        else expect(told.length).toBe(2 * opened - 1);
      }),
      { numRuns: 25 },
    );
  });
});

async function settleAll(outcome: 'delivered' | 'dead-letter' = 'delivered') {
  for (;;) {
    const { entries: claimed } = await outbox.claim({ limit: 10, perProvider: 10, leaseMs: 1000, at: now });
    if (claimed.length === 0) return;
    await outbox.settle(
      claimed.map(({ id, leaseId }) =>
        outcome === 'delivered'
          ? { id, leaseId, at: now, outcome }
          : { id, leaseId, at: now, outcome, error: 'refused' },
      ),
    );
  }
}
