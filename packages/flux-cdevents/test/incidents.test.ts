import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Alert } from '../src/flux/alert.ts';
import type { FluxEvent } from '../src/flux/event.ts';
import type { ResolvedProvider } from '../src/provider/provider.ts';
import { aFluxEvent } from './helpers/flux-events.ts';
import { anInvalidProvider, aProvider } from './helpers/providers.ts';
import { anAlert, type StoreScene, startStoreScene } from './helpers/store-scene.ts';

/*
 * The life of an incident on a real store: events come at the same time, again, in another order, before and after a
 * restart. The tests look at what is in the outbox in the end.
 */

const START = Date.parse('2026-11-24T08:00:00Z');
let scene: StoreScene;
beforeEach(async () => {
  scene = await startStoreScene(START);
});
afterEach(() => scene.close());

const service = aProvider({ options: { preset: 'service' } });
const aPipeline = (provider: ResolvedProvider = service, alerts?: readonly Alert[]) => scene.pipeline(provider, alerts);

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

/** `incident.detected apps/podinfo/incident/28114030`, in the order of the outbox. */
async function incidents(): Promise<readonly string[]> {
  const all = await scene.entries();
  return all.flatMap(({ type, message }) => {
    const [, name] = /^dev\.cdevents\.(incident\.\w+)\./.exec(type ?? '') ?? [];
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
    expect((await scene.entries()).filter(({ type }) => type?.includes('taskrun'))).toHaveLength(20);
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
    await scene.reopen();
    const { accept } = aPipeline();
    await accept(failure(1));
    await accept(success(2));
    expect(await predicates()).toEqual(['incident.detected', 'incident.resolved']);
    expect((await subjects()).size).toBe(1);
  });

  it('does not come back with an event that is posted again when the mark of the first has expired', async () => {
    const { accept } = aPipeline();
    for (const event of [failure(0), success(1)]) await accept(event);
    const before = await scene.entries();
    scene.now += 60_000;
    for (const event of [failure(0), success(1), failure(0)]) {
      expect(await accept(event)).toMatchObject({ status: 'duplicate' });
    }
    expect(await scene.entries()).toEqual(before);
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

  it('is sent once for two Alerts of one Provider', async () => {
    const { accept } = aPipeline(service, [anAlert('a'), anAlert('b')]);
    for (const event of [failure(0), success(1)]) await accept(event);
    expect(await predicates()).toEqual(['incident.detected', 'incident.resolved']);
  });

  it('is found in what waited while the Provider was invalid', async () => {
    const invalid = aPipeline(anInvalidProvider('hub'));
    for (const event of [failure(0), failure(1), success(2)]) await invalid.accept(event);
    const ready = aPipeline();
    for (let waiting = 3; waiting > 0; waiting--) {
      const claimed = await scene.claim(1);
      for (const entry of claimed) {
        await ready.mapWaiting(entry);
        // what came of it has to be delivered before the next of the object can be claimed
        const made = await scene.claim();
        const settled = made.map(({ id, leaseId }) => ({ id, leaseId, outcome: 'delivered' }) as const);
        await scene.outbox.settle(settled);
      }
    }
    await settleAll();
    expect((await predicates()).filter((name) => name === 'incident.detected')).toHaveLength(1);
  });

  it('does not change when its CDEvents are mapped again', async () => {
    const { accept, mapWaiting } = aPipeline();
    for (const event of [failure(0), success(1)]) await accept(event);
    const before = await incidents();
    await settleAll('dead-letter');
    await scene.outbox.replay({}, { maxAgeMs: 60_000, remap: true });
    for (let round = 0; round < 8; round++) {
      const claimed = await scene.claim();
      for (const entry of claimed) {
        if (entry.message === undefined) await mapWaiting(entry);
        else await scene.outbox.settle([{ id: entry.id, leaseId: entry.leaseId, outcome: 'delivered' }]);
      }
    }
    expect((await incidents()).toSorted()).toEqual(before.toSorted());
    expect((await scene.entries()).map(({ state }) => state)).toEqual([
      'delivered',
      'delivered',
      'delivered',
      'delivered',
    ]);
  });

  it('ends as its events say, in whatever order and however often they arrive', async () => {
    const arrivals = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 14 });
    const { accept } = aPipeline();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), arrivals, async (fails, order) => {
        const involvedObject = { ...aFluxEvent().involvedObject, name: `podinfo-${++runs}` };
        const eventOf = (minute: number) => ({
          ...(fails[minute] ? failure(minute) : success(minute)),
          involvedObject,
        });
        await Promise.all(order.map((minute) => accept(eventOf(minute))));
        const sent = (await incidents()).filter((incident) => incident.includes(` apps/podinfo-${runs}/`));
        expect(new Set(sent).size).toBe(sent.length);
        for (const subject of new Set(sent.map((incident) => incident.split(' ')[1]))) {
          const ofIt = sent.filter((incident) => incident.endsWith(` ${subject}`));
          expect(ofIt[0]).toBe(`incident.detected ${subject}`);
          expect(ofIt.length).toBeLessThanOrEqual(2);
        }
        const isBroken = fails[Math.max(...order)];
        const opened = sent.filter((incident) => incident.startsWith('incident.detected')).length;
        expect(sent.length).toBe(isBroken ? 2 * opened - 1 : 2 * opened);
      }),
      { numRuns: 25 },
    );
  });
});

async function settleAll(outcome: 'delivered' | 'dead-letter' = 'delivered') {
  for (;;) {
    const claimed = await scene.claim();
    if (claimed.length === 0) return;
    await scene.outbox.settle(
      claimed.map(({ id, leaseId }) =>
        outcome === 'delivered' ? { id, leaseId, outcome } : { id, leaseId, outcome, error: 'refused' },
      ),
    );
  }
}
