import { describe, expect, it } from 'vitest';
import type { EntrySummary } from '../entry.ts';
import type { Retention } from '../outbox.ts';
import { describeDeadLetters } from './dead-letters.ts';
import { describeEventStore } from './event-store.ts';
import { aCommit, anEntry, HOUR, hub, idsOf, MINUTE } from './fixtures.ts';
import { describeInspection } from './inspection.ts';
import { describeSeveralClients } from './several-clients.ts';
import { type CreateStore, setUpStore } from './store-under-test.ts';
import { describeWorkQueue } from './work-queue.ts';

/** The contract of the ports: every store runs it. */
export const describeOutbox = (name: string, create: CreateStore): void =>
  void describe(`outbox contract on ${name}`, () => {
    describeEventStore(create);
    describeWorkQueue(create);
    describeInspection(create);
    describeDeadLetters(create);
    describeSeveralClients(create);
    describeLife(create);
  });

const forever: Retention = { deliveredMs: 1e12, deliveredCount: 1e9, deadLetterMs: 1e12, memoryMs: 1e12 };

const describeLife = (create: CreateStore): void =>
  void describe('outbox', () => {
    const scene = setUpStore(create);
    const { advance, commit, claim, claimIds, settle, list, deliver, countsOf } = scene;

    describe('purge', () => {
      const purgeAll = async (retention: Partial<Retention>) => {
        for (let count = -1; count !== 0; ) count = await scene.outbox.purge({ ...forever, ...retention });
      };

      it('removes delivered entries and dead letters by age', async () => {
        await commit(anEntry('a.1'), anEntry('a.2', { deadLetter: 'x' }), anEntry('a.3'));
        await deliver('a.1');
        advance(10 * MINUTE);
        await purgeAll({});
        expect(await list()).toHaveLength(3);
        await purgeAll({ deliveredMs: MINUTE });
        expect(idsOf(await list())).toEqual(['a.3', 'a.2']);
        await purgeAll({ deadLetterMs: MINUTE });
        expect(idsOf(await list())).toEqual(['a.3']);
      });

      it('keeps the newest delivered entries by count', async () => {
        await commit(...['a.1', 'a.2', 'a.3'].map((id) => anEntry(id)));
        for (const entry of await claim()) {
          await settle(entry, { outcome: 'delivered' });
          advance(1);
        }
        advance(MINUTE);
        await purgeAll({ deliveredCount: 1 });
        expect(idsOf(await list())).toEqual(['a.3']);
        expect(await countsOf()).toMatchObject({ delivered: 1 });
      });

      it('removes memories that were unused for long, and starts them again with another version', async () => {
        const object = 'a/b';
        await scene.outbox.commit(aCommit([], { object, remember: 'one' }));
        const old = await scene.outbox.recall(object);
        advance(23 * HOUR);
        await purgeAll({ memoryMs: 24 * HOUR });
        expect(await scene.outbox.recall(object)).toEqual(old);
        advance(2 * HOUR);
        await purgeAll({ memoryMs: 24 * HOUR });
        const stale = aCommit([], { object, expect: old.version, remember: 'two' });
        expect(await scene.outbox.commit(stale)).toEqual({ status: 'conflict' });
        expect(await scene.outbox.recall(object)).toEqual({ version: 0 });
      });

      it('keeps a memory that is used', async () => {
        const object = 'a/b';
        await scene.outbox.commit(aCommit([], { object, remember: 'one' }));
        const { version } = await scene.outbox.recall(object);
        advance(23 * HOUR);
        await scene.outbox.commit(aCommit([], { object, expect: version }));
        advance(2 * HOUR);
        await purgeAll({ memoryMs: 24 * HOUR });
        expect(await scene.outbox.recall(object)).toMatchObject({ memory: 'one' });
      });

      it('keeps marks until they expire', async () => {
        const mark = { key: 'm', ttlMs: 5 * MINUTE };
        await scene.outbox.commit(aCommit([anEntry('a.1')], { mark }));
        advance(MINUTE);
        await purgeAll({});
        expect(await scene.outbox.commit(aCommit([], { mark }))).toMatchObject({ status: 'duplicate' });
      });
    });

    describe('reopening', () => {
      const unleased = (entries: readonly EntrySummary[]) =>
        entries.map((entry) => (entry.state === 'delivering' ? { ...entry, state: 'pending' } : entry));

      it('finds everything again, and leases end', async () => {
        const mark = { key: 'm', ttlMs: HOUR };
        const k = { orderingKey: 'k' };
        await scene.outbox.commit(aCommit([anEntry('a.1', k), anEntry('a.2', k)], { remember: 'one', mark }));
        await commit(anEntry('z.1'));
        await scene.outbox.commit(aCommit([anEntry('b.1', { deadLetter: 'x' })], { object: 'o' }));
        const claimed = await claim();
        await scene.outbox.stop({ provider: hub, fingerprint: 'f', reason: 'r' });
        const before = await list();
        const memory = await scene.outbox.recall(aCommit([]).object);
        await scene.outbox.close();

        await scene.reopen();
        expect(unleased(await list())).toEqual(unleased(before));
        expect(await scene.outbox.recall(aCommit([]).object)).toEqual(memory);
        expect(await scene.outbox.stops()).toHaveLength(1);
        expect(await scene.outbox.commit(aCommit([], { mark }))).toMatchObject({ status: 'duplicate' });
        expect((await countsOf())?.['dead-letter']).toBe(1);
        advance(MINUTE);
        expect(await claimIds()).toEqual(idsOf(claimed));
        for (const late of claimed) expect(await settle(late, { outcome: 'delivered' })).toEqual({ state: 'lost' });
      });

      it('makes due what would be due only after the longest delay, when the clock was set back', async () => {
        const blocked = { orderingKey: 'k' };
        await commit(anEntry('a.1', blocked), anEntry('a.2', blocked), anEntry('b.1'), anEntry('c.1'));
        for (const entry of await claim()) {
          if (entry.id === 'b.1') await settle(entry, { outcome: 'retry', delayMs: MINUTE, error: 'HTTP 503' });
          else await settle(entry, { outcome: 'release' });
        }
        await scene.outbox.close();
        advance(-2 * HOUR);
        await scene.reopen();
        expect((await scene.deliverAll()).sort()).toEqual(['a.1', 'a.2', 'b.1', 'c.1']);
      });

      it('keeps a delay that is no longer than the longest', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'));
        for (const entry of await claim()) {
          const delayMs = entry.id === 'a.1' ? MINUTE : HOUR;
          await settle(entry, { outcome: 'retry', delayMs, error: 'HTTP 503' });
        }
        await scene.outbox.close();
        await scene.reopen();
        expect(await claimIds({ leaseMs: HOUR })).toEqual(['a.2']);
        advance(MINUTE);
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('lets no mark stand for longer than its lifetime, when the clock was set back', async () => {
        const mark = { key: 'm', ttlMs: 5 * MINUTE };
        await scene.outbox.commit(aCommit([anEntry('a.1')], { mark }));
        await scene.outbox.close();
        advance(-2 * HOUR);
        await scene.reopen();
        expect(await scene.outbox.commit(aCommit([anEntry('a.2')], { mark }))).toEqual({ status: 'stored' });
        expect(await scene.outbox.commit(aCommit([anEntry('a.3')], { mark }))).toMatchObject({ status: 'duplicate' });
      });

      it('continues the order', async () => {
        await commit(anEntry('a.1', { orderingKey: 'k' }));
        await scene.outbox.close();
        await scene.reopen();
        await commit(anEntry('a.2', { orderingKey: 'k' }));
        expect(await claimIds()).toEqual(['a.1']);
        expect(idsOf(await list())).toEqual(['a.2', 'a.1']);
      });
    });

    describe('close', () => {
      it('finishes the calls that were made before', async () => {
        const receipt = commit(anEntry('a.1'));
        await Promise.all([scene.outbox.close(), scene.outbox.close()]);
        expect(await receipt).toEqual({ status: 'stored' });
        await expect(commit(anEntry('a.2'))).rejects.toMatchObject({ code: 'FCE_STORE_UNAVAILABLE' });
        await scene.reopen();
        expect(idsOf(await list())).toEqual(['a.1']);
      });
    });
  });
