import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClaimedEntry, NewEntry } from '../src/outbox/entry.ts';
import type { ClaimRequest, EntryFilter, Outbox, Retention } from '../src/outbox/outbox.ts';
import {
  aClaim,
  aCommit,
  anEntry,
  anUnmapped,
  aSettlement,
  hub,
  idsOf,
  MINUTE,
  type Outcome,
  other,
  T0,
} from './helpers/outbox-fixtures.ts';

/** A store that a test has to itself. */
export interface StoreUnderTest {
  /** Opens it; after a `close` the same one again, with what it kept. */
  open(): Promise<Outbox>;
  remove(): Promise<void>;
}

/** Keeps everything. */
const forever: Retention = { deliveredMs: 1e12, deliveredCount: 1e9, deadLetterMs: 1e12, memoryMs: 1e12 };
const sorted = (texts: readonly string[]): string[] => [...texts].sort();

/** The contract of `Outbox`, on whatever stands behind it. */
export const describeOutbox = (name: string, create: () => Promise<StoreUnderTest>): void =>
  void describe(`outbox contract on ${name}`, () => {
    let store: StoreUnderTest;
    let outbox: Outbox;
    beforeEach(async () => {
      store = await create();
      outbox = await store.open();
    });
    afterEach(async () => {
      await outbox.close();
      await store.remove();
    });

    const commit = (...entries: NewEntry[]) => outbox.commit(aCommit(entries));
    const claim = async (fields?: Partial<ClaimRequest>) => (await outbox.claim(aClaim(fields))).entries;
    const claimIds = async (fields?: Partial<ClaimRequest>) => idsOf(await claim(fields));
    const claimOne = async (fields?: Partial<ClaimRequest>): Promise<ClaimedEntry> => {
      const [entry] = await claim({ limit: 1, ...fields });
      if (!entry) throw new Error('nothing to claim');
      return entry;
    };
    const settle = async (entry: ClaimedEntry, outcome: Outcome, at?: number) =>
      (await outbox.settle([aSettlement(entry, outcome, at)]))[0];
    const list = async (filter: EntryFilter = {}) => (await outbox.list(filter, { limit: 1_000 })).entries;
    const find = async (id: string) => (await list({ ids: [id] }))[0];
    const deliver = async (id: string) => {
      const entry = (await claim()).find((claimed) => claimed.id === id);
      if (!entry) throw new Error(`${id} cannot be claimed`);
      await settle(entry, { outcome: 'delivered' });
    };
    const bury = async (id: string, error = 'HTTP 400') => {
      const entry = (await claim()).find((claimed) => claimed.id === id);
      if (!entry) throw new Error(`${id} cannot be claimed`);
      await settle(entry, { outcome: 'dead-letter', error });
    };
    const countsOf = async (provider = hub) =>
      (await outbox.stats()).find((stats) => stats.provider.name === provider.name)?.counts;

    describe('commit', () => {
      it('keeps an entry as it was given', async () => {
        const entry = anEntry('a.1', {
          orderingKey: 'hub podinfo',
          partitionKey: 'uid-1',
          message: '{"ü":"\\u0000 €"}',
        });
        expect(await commit(entry)).toEqual({ status: 'stored' });
        expect(await find('a.1')).toEqual({ ...entry, state: 'pending', attempts: 0, acceptedAt: T0, dueAt: T0 });
      });

      it('commits the entries, the mark and the memory together', async () => {
        const mark = { key: 'podinfo upgraded', expiresAt: T0 + MINUTE };
        await outbox.commit(aCommit([anEntry('a.1'), anEntry('a.2')], { remember: '{"revision":"1"}', mark }));
        expect(sorted(idsOf(await list()))).toEqual(['a.1', 'a.2']);
        expect(await outbox.recall(aCommit([]).object)).toMatchObject({ memory: '{"revision":"1"}' });
        expect(await outbox.commit(aCommit([], { mark }))).toMatchObject({ status: 'duplicate' });
      });

      it('stores an event that causes no entry', async () => {
        expect(await outbox.commit(aCommit([], { remember: '{}' }))).toEqual({ status: 'stored' });
        expect(await list()).toEqual([]);
      });

      it('answers many commits at once, each with its own outcome', async () => {
        const commits = Array.from({ length: 200 }, (_, i) =>
          aCommit([anEntry(`${i % 150}.1`)], { object: `object ${i}`, remember: `${i}` }),
        );
        const receipts = await Promise.all(commits.map((one) => outbox.commit(one)));
        expect(receipts.map(({ status }) => status)).toEqual(commits.map((_, i) => (i < 150 ? 'stored' : 'duplicate')));
        expect(await list()).toHaveLength(150);
      });

      it('keeps an entry that is a dead letter from the start', async () => {
        await commit(
          anEntry('a.1', { deadLetter: 'not valid', orderingKey: 'k' }),
          anEntry('a.2', { orderingKey: 'k' }),
        );
        expect(await find('a.1')).toMatchObject({ state: 'dead-letter', lastError: 'not valid', settledAt: T0 });
        expect(await claimIds()).toEqual(['a.2']);
      });
    });

    describe('duplicates', () => {
      const mark = { key: 'same', expiresAt: T0 + 5 * MINUTE };

      it('refuses an event while its mark stands, and says for how long', async () => {
        await outbox.commit(aCommit([anEntry('a.1')], { mark }));
        const again = aCommit([anEntry('b.1')], { mark, remember: 'changed', at: T0 + MINUTE });
        expect(await outbox.commit(again)).toEqual({ status: 'duplicate', retryAfterMs: 4 * MINUTE });
        expect(idsOf(await list())).toEqual(['a.1']);
        expect((await outbox.recall(again.object)).version).toBe(0);
      });

      it('takes it again when the mark has expired', async () => {
        await outbox.commit(aCommit([anEntry('a.1')], { mark }));
        const later = { at: T0 + 5 * MINUTE, mark: { key: 'same', expiresAt: T0 + 10 * MINUTE } };
        expect(await outbox.commit(aCommit([anEntry('b.1')], later))).toEqual({ status: 'stored' });
        expect(await outbox.commit(aCommit([], { ...later, at: T0 + 8 * MINUTE }))).toEqual({
          status: 'duplicate',
          retryAfterMs: 2 * MINUTE,
        });
      });

      it('changes nothing when all entries are in the store, whatever became of them', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'));
        await deliver('a.1');
        const again = aCommit([anEntry('a.2'), anEntry('a.1')], { expect: 7, remember: 'changed' });
        expect(await outbox.commit(again)).toMatchObject({ status: 'duplicate' });
        expect(await find('a.1')).toMatchObject({ state: 'delivered' });
        expect((await outbox.recall(again.object)).version).toBe(0);
      });

      it('stores only the entries that are new', async () => {
        await commit(anEntry('a.1', { source: 'first' }));
        expect(await commit(anEntry('a.1', { source: 'second' }), anEntry('a.2'))).toEqual({ status: 'stored' });
        expect(sorted(idsOf(await list()))).toEqual(['a.1', 'a.2']);
        expect(await find('a.1')).toMatchObject({ source: 'first' });
      });

      it('stores one entry of two with one id', async () => {
        expect(await commit(anEntry('a.1'), anEntry('a.1'))).toEqual({ status: 'stored' });
        expect(await list()).toHaveLength(1);
      });
    });

    describe('memory', () => {
      const object = 'apps/Deployment/a/b';
      const remember = (memory: string, version: number) =>
        outbox.commit(aCommit([], { object, expect: version, remember: memory }));

      it('is empty at first, version 0', async () => {
        expect(await outbox.recall(object)).toEqual({ version: 0 });
      });

      it('has another version after each change', async () => {
        await remember('one', 0);
        const first = await outbox.recall(object);
        expect(first.memory).toBe('one');
        await remember('two', first.version);
        const second = await outbox.recall(object);
        expect(second.memory).toBe('two');
        expect(second.version).not.toBe(first.version);
      });

      it('stays as it is when a commit does not change it', async () => {
        await remember('one', 0);
        const recalled = await outbox.recall(object);
        expect(await outbox.commit(aCommit([anEntry('a.1')], { object, expect: recalled.version }))).toEqual({
          status: 'stored',
        });
        expect(await outbox.recall(object)).toEqual(recalled);
      });

      it('refuses a commit that was made from another version; nothing changes', async () => {
        await remember('one', 0);
        const mark = { key: 'm', expiresAt: T0 + MINUTE };
        const stale = aCommit([anEntry('a.1')], { object, expect: 0, remember: 'two', mark });
        expect(await outbox.commit(stale)).toEqual({ status: 'conflict' });
        expect(await list()).toEqual([]);
        const { version, memory } = await outbox.recall(object);
        expect(memory).toBe('one');
        expect(await outbox.commit({ ...stale, expect: version })).toEqual({ status: 'stored' });
      });

      it('lets one of several concurrent changes win, and the others see it', async () => {
        const receipts = await Promise.all(['one', 'two', 'three'].map((memory) => remember(memory, 0)));
        expect(receipts.map(({ status }) => status).sort()).toEqual(['conflict', 'conflict', 'stored']);
        const { version } = await outbox.recall(object);
        expect(await remember('four', version)).toEqual({ status: 'stored' });
      });

      it('is kept for each object by itself', async () => {
        await remember('one', 0);
        expect(await outbox.recall('apps/Deployment/a/c')).toEqual({ version: 0 });
      });
    });

    describe('claim', () => {
      it('hands an entry to one worker at a time', async () => {
        await commit(anEntry('a.1'));
        const [first, second] = await Promise.all([claim(), claim()]);
        expect([...idsOf(first), ...idsOf(second)]).toEqual(['a.1']);
        expect(await find('a.1')).toMatchObject({ state: 'delivering' });
      });

      it('hands out whole entries, oldest first', async () => {
        await outbox.commit(aCommit([anEntry('a.1')], { at: T0 - 2 }));
        await outbox.commit(aCommit([anEntry('a.2')], { at: T0 - 1 }));
        const [first, second] = await claim();
        const { leaseId, ...entry } = first ?? {};
        expect(entry).toEqual({
          ...anEntry('a.1'),
          state: 'delivering',
          attempts: 0,
          acceptedAt: T0 - 2,
          dueAt: T0 - 2,
        });
        expect(second?.id).toBe('a.2');
        expect(second?.leaseId).not.toBe(leaseId);
      });

      it('hands out at most `limit` entries, and says that more are due', async () => {
        await commit(...['a.1', 'a.2', 'a.3'].map((id) => anEntry(id)));
        const { entries, nextDueAt } = await outbox.claim(aClaim({ limit: 2 }));
        expect(idsOf(entries)).toEqual(['a.1', 'a.2']);
        expect(nextDueAt).toBeLessThanOrEqual(T0);
        expect(await claimIds()).toEqual(['a.3']);
      });

      it('leaves at most `perProvider` under lease for one Provider', async () => {
        await commit(...['a.1', 'a.2', 'a.3'].map((id) => anEntry(id)), anEntry('b.1', { provider: other }));
        const first = await claim({ perProvider: 2 });
        expect(sorted(idsOf(first))).toEqual(['a.1', 'a.2', 'b.1']);
        expect(await claim({ perProvider: 2 })).toEqual([]);
        expect(await claimIds({ perProvider: 3 })).toEqual(['a.3']);
        await settle(first.find(({ id }) => id === 'a.1') as ClaimedEntry, { outcome: 'release' });
        expect(await claim({ perProvider: 2 })).toEqual([]);
      });

      it('gives a Provider that was full its next entry when one is settled', async () => {
        await commit(...['a.1', 'a.2'].map((id) => anEntry(id)));
        const first = await claimOne({ perProvider: 1 });
        expect(await outbox.claim(aClaim({ perProvider: 1 }))).toEqual({ entries: [], nextDueAt: T0 + MINUTE });
        await settle(first, { outcome: 'delivered' });
        expect(await claimIds({ perProvider: 1 })).toEqual(['a.2']);
      });

      it('takes from the Providers in turn', async () => {
        await commit(...Array.from({ length: 50 }, (_, i) => anEntry(`a.${i}`)));
        await commit(...Array.from({ length: 3 }, (_, i) => anEntry(`b.${i}`, { provider: other })));
        const providers = (await claim({ limit: 6 })).map(({ provider }) => provider.name);
        expect(sorted(providers)).toEqual(['hub', 'hub', 'hub', 'other', 'other', 'other']);
      });

      it('serves each of many Providers before it serves one again', async () => {
        const names = Array.from({ length: 9 }, (_, i) => `p${i}`);
        for (const number of [1, 2]) {
          await commit(...names.map((n) => anEntry(`${n}.${number}`, { provider: { namespace: 'a', name: n } })));
        }
        const served: string[] = [];
        for (let i = 0; i < 3; i++) served.push(...(await claim({ limit: 3 })).map(({ provider }) => provider.name));
        expect(sorted(served)).toEqual(names);
      });

      it('gives nothing to excepted Providers, and does not ask to be called for them', async () => {
        await commit(anEntry('a.1'), anEntry('b.1', { provider: other }));
        const except = new Set(['flux-system/hub']);
        const { entries } = await outbox.claim(aClaim({ except }));
        expect(idsOf(entries)).toEqual(['b.1']);
        for (const entry of entries) await settle(entry, { outcome: 'delivered' });
        expect(await outbox.claim(aClaim({ except }))).toEqual({ entries: [] });
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('says nothing of a next time when nothing is waiting', async () => {
        expect(await outbox.claim(aClaim())).toEqual({ entries: [] });
        await commit(anEntry('a.1'));
        await deliver('a.1');
        expect(await outbox.claim(aClaim())).toEqual({ entries: [] });
      });

      it('ends a lease after `leaseMs`, and says when', async () => {
        await commit(anEntry('a.1'));
        await claim({ leaseMs: 2 * MINUTE });
        expect(await outbox.claim(aClaim({ at: T0 + MINUTE }))).toEqual({ entries: [], nextDueAt: T0 + 2 * MINUTE });
        expect(await claimIds({ at: T0 + 2 * MINUTE })).toEqual(['a.1']);
      });
    });

    describe('order', () => {
      const keyed = (id: string, orderingKey: string, fields?: Partial<NewEntry>) =>
        anEntry(id, { orderingKey, ...fields });

      it('hands out the entries of one key one at a time, in the order of commit', async () => {
        await commit(keyed('a.1', 'k'), keyed('a.2', 'k'));
        await commit(keyed('a.3', 'k'));
        const order: string[] = [];
        for (let i = 0; i < 3; i++) {
          const claimed = await claim();
          expect(claimed).toHaveLength(1);
          const [entry] = claimed as [ClaimedEntry];
          order.push(entry.id);
          await settle(entry, { outcome: 'delivered' });
        }
        expect(order).toEqual(['a.1', 'a.2', 'a.3']);
      });

      it('hands out different keys, and entries without one, in parallel', async () => {
        await commit(keyed('a.1', 'k'), keyed('a.2', 'l'), keyed('a.3', 'k'), anEntry('a.4'), anEntry('a.5'));
        expect(sorted(await claimIds())).toEqual(['a.1', 'a.2', 'a.4', 'a.5']);
      });

      it('keeps later entries back while the first one waits for its retry', async () => {
        await commit(keyed('a.1', 'k'), keyed('a.2', 'k'));
        await settle(await claimOne(), { outcome: 'retry', dueAt: T0 + MINUTE, error: 'HTTP 503' });
        expect(await outbox.claim(aClaim())).toEqual({ entries: [], nextDueAt: T0 + MINUTE });
        expect(await claimIds({ at: T0 + MINUTE })).toEqual(['a.1']);
      });

      it('goes on after a dead letter', async () => {
        await commit(keyed('a.1', 'k'), keyed('a.2', 'k'));
        await bury('a.1');
        expect(await claimIds()).toEqual(['a.2']);
      });
    });

    describe('settle', () => {
      it('delivered: the entry is done', async () => {
        await commit(anEntry('a.1'));
        expect(await settle(await claimOne(), { outcome: 'delivered' }, T0 + 5)).toBe(true);
        const settled = await find('a.1');
        expect(settled).toMatchObject({ state: 'delivered', attempts: 1, settledAt: T0 + 5 });
        expect(settled).not.toHaveProperty('dueAt');
        expect(await claim({ at: T0 + 10 * MINUTE })).toEqual([]);
      });

      it('retry: due at that time, with the error and one attempt more', async () => {
        await commit(anEntry('a.1'));
        await settle(await claimOne(), { outcome: 'retry', dueAt: T0 + MINUTE, error: 'HTTP 503' });
        expect(await find('a.1')).toMatchObject({
          state: 'pending',
          attempts: 1,
          dueAt: T0 + MINUTE,
          lastError: 'HTTP 503',
        });
        expect(await outbox.claim(aClaim({ at: T0 + MINUTE - 1 }))).toEqual({
          entries: [],
          nextDueAt: T0 + MINUTE,
        });
        expect(await claim({ at: T0 + MINUTE })).toMatchObject([{ id: 'a.1', attempts: 1, lastError: 'HTTP 503' }]);
      });

      it('dead-letter: kept with the error', async () => {
        await commit(anEntry('a.1'));
        await settle(await claimOne(), { outcome: 'dead-letter', error: 'HTTP 400' }, T0 + 5);
        expect(await find('a.1')).toMatchObject({
          state: 'dead-letter',
          attempts: 1,
          lastError: 'HTTP 400',
          settledAt: T0 + 5,
        });
      });

      it('release: as if it had not been claimed', async () => {
        await commit(anEntry('a.1'));
        await settle(await claimOne(), { outcome: 'release' });
        expect(await find('a.1')).toMatchObject({ state: 'pending', attempts: 0, dueAt: T0 });
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('is done once', async () => {
        await commit(anEntry('a.1'));
        const entry = await claimOne();
        expect(
          await outbox.settle([
            aSettlement(entry, { outcome: 'delivered' }),
            aSettlement(entry, { outcome: 'dead-letter', error: 'x' }),
          ]),
        ).toEqual([true, false]);
        expect(await settle(entry, { outcome: 'dead-letter', error: 'x' })).toBe(false);
        expect(await find('a.1')).toMatchObject({ state: 'delivered', attempts: 1 });
      });

      it('answers false when the lease went to another, and changes nothing', async () => {
        await commit(anEntry('a.1'));
        const late = await claimOne();
        const current = await claimOne({ at: T0 + MINUTE });
        expect(await settle(late, { outcome: 'dead-letter', error: 'late' })).toBe(false);
        expect(await find('a.1')).toMatchObject({ state: 'delivering', attempts: 0 });
        expect(await settle(current, { outcome: 'delivered' })).toBe(true);
      });

      it('answers false to a lease of another entry, and to one that never was', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'));
        const [first, second] = (await claim()) as [ClaimedEntry, ClaimedEntry];
        expect(await settle({ ...first, leaseId: second.leaseId }, { outcome: 'delivered' })).toBe(false);
        expect(await settle({ ...first, leaseId: 'no such lease' }, { outcome: 'delivered' })).toBe(false);
        expect(await settle(first, { outcome: 'delivered' })).toBe(true);
      });
    });

    describe('expand', () => {
      const object = aCommit([]).object;
      const k = { orderingKey: 'k' };
      const expand = (entry: ClaimedEntry, entries: readonly NewEntry[], fields: object = {}) =>
        outbox.expand({ id: entry.id, leaseId: entry.leaseId, object, expect: 0, entries, at: T0, ...fields });

      it('puts the mapped entries in the place of the one that waited', async () => {
        await commit(anEntry('a.1', k), anUnmapped('a.2', k), anEntry('a.3', k));
        await deliver('a.1');
        expect(await expand(await claimOne(), [anEntry('b.1', k), anEntry('b.2', k)])).toBe('expanded');
        expect(await find('a.2')).toBeUndefined();
        const order: string[] = [];
        for (const [entry] = await claim(); order.length < 3; ) {
          const next: ClaimedEntry = order.length === 0 ? (entry as ClaimedEntry) : await claimOne();
          order.push(next.id);
          await settle(next, { outcome: 'delivered' });
        }
        expect(order).toEqual(['b.1', 'b.2', 'a.3']);
      });

      it('keeps when the event was accepted', async () => {
        await commit(anUnmapped('a.1'));
        await expand(await claimOne(), [anEntry('b.1')]);
        expect(await find('b.1')).toMatchObject({ state: 'pending', acceptedAt: T0, attempts: 0 });
      });

      it('may use the id of the entry that waited', async () => {
        await commit(anUnmapped('a.1'));
        await expand(await claimOne(), [anEntry('a.1')]);
        expect(await claim()).toMatchObject([{ id: 'a.1', message: anEntry('a.1').message }]);
      });

      it('leaves out an entry that is in the store already', async () => {
        await commit(anEntry('b.1'));
        await deliver('b.1');
        await commit(anUnmapped('a.1'));
        await expand(await claimOne(), [anEntry('b.1'), anEntry('b.2')]);
        expect(await claimIds()).toEqual(['b.2']);
        expect(await countsOf()).toEqual({ pending: 0, delivering: 1, delivered: 1, 'dead-letter': 0 });
      });

      it('leaves an entry as it is that waits under the same id', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'));
        for (const entry of await claim()) await settle(entry, { outcome: 'delivered' });
        await outbox.replay({}, { at: T0, expiresAt: T0 + MINUTE, remap: true });
        const [first] = await claim({ limit: 1 });
        await expand(first as ClaimedEntry, [anEntry('a.1'), anEntry('a.2')]);
        const [{ message }, waiting] = (await claim()) as [ClaimedEntry, ClaimedEntry];
        expect([message, waiting.id, waiting.type, waiting.message]).toEqual([
          anEntry('a.1').message,
          'a.2',
          'unmapped',
          undefined,
        ]);
      });

      it('settles it when nothing comes of it', async () => {
        await commit(anUnmapped('a.1', k), anEntry('a.2', k));
        expect(await expand(await claimOne(), [])).toBe('expanded');
        expect(await find('a.1')).toMatchObject({ state: 'delivered' });
        expect(await claimIds()).toEqual(['a.2']);
      });

      it('keeps an entry that is not valid as a dead letter', async () => {
        await commit(anUnmapped('a.1', k), anEntry('a.2', k));
        await expand(await claimOne(), [anEntry('b.1', { ...k, deadLetter: 'not valid' })]);
        expect(await find('b.1')).toMatchObject({ state: 'dead-letter', lastError: 'not valid' });
        expect(await claimIds()).toEqual(['a.2']);
      });

      it('remembers, against the version that was recalled', async () => {
        await commit(anUnmapped('a.1'));
        const entry = await claimOne();
        await outbox.commit(aCommit([], { remember: 'one' }));
        expect(await expand(entry, [anEntry('b.1')], { remember: 'two' })).toBe('conflict');
        expect(await find('a.1')).toMatchObject({ state: 'delivering' });
        const { version } = await outbox.recall(object);
        expect(await expand(entry, [anEntry('b.1')], { remember: 'two', expect: version })).toBe('expanded');
        expect(await outbox.recall(object)).toMatchObject({ memory: 'two' });
      });

      it('is lost with the lease', async () => {
        await commit(anUnmapped('a.1'));
        const late = await claimOne();
        await claimOne({ at: T0 + MINUTE });
        expect(await expand(late, [anEntry('b.1')], { remember: 'two' })).toBe('lost');
        expect(await find('b.1')).toBeUndefined();
        expect((await outbox.recall(object)).version).toBe(0);
      });

      it('can be done again where it was done', async () => {
        await commit(anUnmapped('a.1', k), anEntry('z.1', k));
        await expand(await claimOne(), [anEntry('b.1', k), anEntry('b.2', k)]);
        await bury('b.1');
        await outbox.replay({ ids: ['b.1'] }, { at: T0, expiresAt: T0 + MINUTE, remap: true });
        await expand(await claimOne(), [anEntry('c.1', k), anEntry('c.2', k)]);
        const order: string[] = [];
        while (order.length < 4) {
          const entry = await claimOne();
          order.push(entry.id);
          await settle(entry, { outcome: 'delivered' });
        }
        expect(order).toEqual(['c.1', 'c.2', 'b.2', 'z.1']);
      });
    });

    describe('replay', () => {
      const options = { at: T0 + MINUTE, expiresAt: T0 + 99 * MINUTE, remap: false };

      it('sends dead letters and delivered entries again, under the same id', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'), anEntry('a.3'));
        const [first, second] = (await claim({ limit: 2 })) as [ClaimedEntry, ClaimedEntry];
        await settle(first, { outcome: 'dead-letter', error: 'HTTP 400' });
        await settle(second, { outcome: 'delivered' });
        expect(await outbox.replay({}, options)).toBe(2);
        const replayed = await find('a.1');
        expect(replayed).toMatchObject({
          state: 'pending',
          attempts: 0,
          dueAt: options.at,
          expiresAt: options.expiresAt,
          lastError: 'HTTP 400',
          message: anEntry('a.1').message,
        });
        expect(replayed).not.toHaveProperty('settledAt');
        expect(sorted(await claimIds({ at: options.at }))).toEqual(['a.1', 'a.2', 'a.3']);
      });

      it('takes what the filter selects', async () => {
        await commit(anEntry('a.1'), anEntry('b.1'));
        for (const entry of await claim()) await settle(entry, { outcome: 'dead-letter', error: 'x' });
        expect(await outbox.replay({ ids: ['b.'] }, options)).toBe(1);
        expect(await outbox.replay({ states: ['pending', 'delivered'] }, options)).toBe(0);
        expect(await outbox.replay({ ids: [] }, options)).toBe(0);
        expect(await claimIds({ at: options.at })).toEqual(['b.1']);
      });

      it('puts an entry back at its place in the order', async () => {
        const k = { orderingKey: 'k' };
        await commit(anEntry('a.1', k), anEntry('a.2', k), anEntry('a.3', k));
        await deliver('a.1');
        await bury('a.2');
        await outbox.replay({ ids: ['a.1', 'a.2'] }, options);
        const order: string[] = [];
        while (order.length < 3) {
          const claimed = await claim({ at: options.at });
          expect(claimed).toHaveLength(1);
          order.push(claimed[0]?.id ?? '');
          await settle(claimed[0] as ClaimedEntry, { outcome: 'delivered' });
        }
        expect(order).toEqual(['a.1', 'a.2', 'a.3']);
      });

      it.each(['settled', 'released', 'given up by time'])(
        'waits for a later entry of its key that is under lease until that is %s',
        async (how) => {
          const k = { orderingKey: 'k' };
          await commit(anEntry('a.1', k), anEntry('a.2', k));
          await bury('a.1');
          const current = await claimOne();
          expect(current.id).toBe('a.2');
          await outbox.replay({}, { ...options, at: T0 });
          expect(await claim()).toEqual([]);
          if (how === 'settled') await settle(current, { outcome: 'retry', dueAt: T0, error: 'x' });
          if (how === 'released') await settle(current, { outcome: 'release' });
          expect(await claimIds({ at: how === 'given up by time' ? T0 + MINUTE : T0 })).toEqual(['a.1']);
        },
      );

      it('drops the message when it is to be mapped anew', async () => {
        await commit(anEntry('a.1'));
        await bury('a.1');
        expect(await outbox.replay({}, { ...options, remap: true })).toBe(1);
        const [entry] = await claim({ at: options.at });
        expect(entry).toMatchObject({ id: 'a.1', type: 'unmapped', source: anEntry('a.1').source });
        expect(entry).not.toHaveProperty('message');
      });

      it('takes thousands', async () => {
        await commit(...Array.from({ length: 2_500 }, (_, i) => anEntry(`a.${i}`, { deadLetter: 'x' })));
        expect(await outbox.replay({ states: ['dead-letter'] }, options)).toBe(2_500);
        expect(await countsOf()).toMatchObject({ pending: 2_500, 'dead-letter': 0 });
      });
    });

    describe('discard', () => {
      it('removes the dead letters that the filter selects, and nothing else', async () => {
        await commit(anEntry('a.1', { deadLetter: 'x' }), anEntry('a.2', { deadLetter: 'x' }), anEntry('a.3'));
        expect(await outbox.discard({ ids: ['a.1', 'a.3'] })).toBe(1);
        expect(idsOf(await list())).toEqual(['a.3', 'a.2']);
        expect(await outbox.discard({ states: ['pending'] })).toBe(0);
        expect(await outbox.discard({})).toBe(1);
        expect(await countsOf()).toEqual({ pending: 1, delivering: 0, delivered: 0, 'dead-letter': 0 });
      });

      it('forgets the id', async () => {
        await commit(anEntry('a.1', { deadLetter: 'x' }));
        await outbox.discard({});
        expect(await commit(anEntry('a.1'))).toEqual({ status: 'stored' });
      });
    });

    describe('the texts of an entry', () => {
      const before = { source: '"old source"', message: '"old"' };
      const after = { source: '"new source"', message: '"new"' };

      it('are those of the commit that stored it, not of an earlier one with its id', async () => {
        await commit(anEntry('a.1', before));
        await outbox.abandon(hub, 'Provider was deleted', T0);
        await outbox.discard({});
        await commit(anEntry('a.1', after));
        expect(await claim()).toMatchObject([after]);
      });

      it('are those of the first commit when a later one had its id', async () => {
        await commit(anEntry('a.1', before));
        expect(await commit(anEntry('a.1', after), anEntry('a.2'))).toEqual({ status: 'stored' });
        expect((await claim()).find(({ id }) => id === 'a.1')).toMatchObject(before);
      });

      it('are without a message when a replay asked for that at the same time as they were committed', async () => {
        await Promise.all([
          commit(anEntry('a.1', { ...before, expiresAt: T0 })),
          outbox.expire(T0),
          outbox.replay({}, { at: T0, expiresAt: T0 + MINUTE, remap: true }),
        ]);
        const [entry] = await claim();
        expect(entry).toMatchObject({ source: before.source });
        expect(entry).not.toHaveProperty('message');
      });

      it('are those of the entry that took the place of another', async () => {
        await commit(anUnmapped('a.1', before));
        const { id, leaseId } = await claimOne();
        await outbox.expand({
          id,
          leaseId,
          object: aCommit([]).object,
          expect: 0,
          entries: [anEntry('a.1', after)],
          at: T0,
        });
        expect(await claim()).toMatchObject([after]);
      });
    });

    describe('abandon', () => {
      it('makes every undelivered entry of a Provider a dead letter', async () => {
        await commit(
          anEntry('a.1', { orderingKey: 'k' }),
          anEntry('a.2', { orderingKey: 'k' }),
          anEntry('a.3'),
          anEntry('b.1', { provider: other }),
        );
        const claimed = await claim({ except: new Set(['flux-system/other']) });
        expect(sorted(idsOf(claimed))).toEqual(['a.1', 'a.3']);
        expect(await outbox.abandon(hub, 'Provider was deleted', T0 + 5)).toBe(3);
        expect(await outbox.settle(claimed.map((entry) => aSettlement(entry, { outcome: 'delivered' })))).toEqual([
          false,
          false,
        ]);
        expect(await find('a.2')).toMatchObject({
          state: 'dead-letter',
          lastError: 'Provider was deleted',
          settledAt: T0 + 5,
        });
        expect(await claimIds()).toEqual(['b.1']);
      });

      it('of a Provider that has nothing does nothing', async () => {
        expect(await outbox.abandon(hub, 'x', T0)).toBe(0);
      });
    });

    describe('wake', () => {
      it('makes the waiting retries of a Provider due', async () => {
        await commit(anEntry('a.1'), anEntry('a.2', { orderingKey: 'k' }), anEntry('b.1', { provider: other }));
        for (const entry of await claim()) {
          await settle(entry, { outcome: 'retry', dueAt: T0 + 60 * MINUTE, error: 'x' });
        }
        await outbox.wake(hub, T0 + MINUTE);
        const { entries, nextDueAt } = await outbox.claim(aClaim({ at: T0 + MINUTE, leaseMs: 90 * MINUTE }));
        expect(sorted(idsOf(entries))).toEqual(['a.1', 'a.2']);
        expect(nextDueAt).toBe(T0 + 60 * MINUTE);
      });
    });

    describe('expire', () => {
      it('makes entries past their time dead letters, and tells which', async () => {
        await commit(
          anEntry('a.1', { expiresAt: T0 + MINUTE, orderingKey: 'k' }),
          anEntry('a.2', { orderingKey: 'k' }),
        );
        expect(await outbox.expire(T0 + MINUTE - 1)).toEqual([]);
        const expired = await outbox.expire(T0 + MINUTE + 1);
        expect(expired).toMatchObject([
          { id: 'a.1', state: 'dead-letter', settledAt: T0 + MINUTE + 1, attempts: 0, source: anEntry('a.1').source },
        ]);
        expect(expired[0]?.lastError).toContain('max-age');
        expect(await claimIds({ at: T0 + 2 * MINUTE })).toEqual(['a.2']);
      });

      it('keeps what the last attempt came to', async () => {
        await commit(anEntry('a.1', { expiresAt: T0 + MINUTE }));
        await settle(await claimOne(), { outcome: 'retry', dueAt: T0, error: 'HTTP 503' });
        const [entry] = await outbox.expire(T0 + 2 * MINUTE);
        expect(entry?.lastError).toMatch(/max-age.*HTTP 503/);
      });

      it('leaves an entry under lease to its holder', async () => {
        await commit(anEntry('a.1', { expiresAt: T0 + MINUTE }));
        const entry = await claimOne({ leaseMs: 5 * MINUTE });
        expect(await outbox.expire(T0 + 2 * MINUTE)).toEqual([]);
        expect(await settle(entry, { outcome: 'delivered' })).toBe(true);
      });

      it('takes a bounded number a call, and all of them in the end', async () => {
        await commit(...Array.from({ length: 1_200 }, (_, i) => anEntry(`a.${i}`, { expiresAt: T0 })));
        let total = 0;
        for (let count = -1; count !== 0; total += count) count = (await outbox.expire(T0 + MINUTE)).length;
        expect(total).toBe(1_200);
      });
    });

    describe('purge', () => {
      const purgeAll = async (retention: Partial<Retention>, at: number) => {
        for (let count = -1; count !== 0; ) count = await outbox.purge({ ...forever, ...retention }, at);
      };

      it('removes delivered entries and dead letters by age', async () => {
        await commit(anEntry('a.1'), anEntry('a.2', { deadLetter: 'x' }), anEntry('a.3'));
        await deliver('a.1');
        await purgeAll({}, T0 + 10 * MINUTE);
        expect(await list()).toHaveLength(3);
        await purgeAll({ deliveredMs: MINUTE }, T0 + 10 * MINUTE);
        expect(idsOf(await list())).toEqual(['a.3', 'a.2']);
        await purgeAll({ deadLetterMs: MINUTE }, T0 + 10 * MINUTE);
        expect(idsOf(await list())).toEqual(['a.3']);
      });

      it('keeps the newest delivered entries by count', async () => {
        await commit(...['a.1', 'a.2', 'a.3'].map((id) => anEntry(id)));
        for (const [i, entry] of (await claim()).entries()) await settle(entry, { outcome: 'delivered' }, T0 + i);
        await purgeAll({ deliveredCount: 1 }, T0 + MINUTE);
        expect(idsOf(await list())).toEqual(['a.3']);
        expect(await countsOf()).toMatchObject({ delivered: 1 });
      });

      it('removes memories that were not used for long; they begin anew', async () => {
        const object = 'a/b';
        await outbox.commit(aCommit([], { object, remember: 'one' }));
        const old = await outbox.recall(object);
        await purgeAll({ memoryMs: 24 * 60 * MINUTE }, T0 + 23 * 60 * MINUTE);
        expect(await outbox.recall(object)).toEqual(old);
        await purgeAll({ memoryMs: 24 * 60 * MINUTE }, T0 + 25 * 60 * MINUTE);
        const stale = aCommit([], { object, expect: old.version, remember: 'two' });
        expect(await outbox.commit(stale)).toEqual({ status: 'conflict' });
        expect(await outbox.recall(object)).toEqual({ version: 0 });
      });

      it('keeps a memory that is used', async () => {
        const object = 'a/b';
        await outbox.commit(aCommit([], { object, remember: 'one' }));
        const { version } = await outbox.recall(object);
        await outbox.commit(aCommit([], { object, expect: version, at: T0 + 23 * 60 * MINUTE }));
        await purgeAll({ memoryMs: 24 * 60 * MINUTE }, T0 + 25 * 60 * MINUTE);
        expect(await outbox.recall(object)).toMatchObject({ memory: 'one' });
      });

      it('lets marks stand until they expire', async () => {
        const mark = { key: 'm', expiresAt: T0 + 5 * MINUTE };
        await outbox.commit(aCommit([anEntry('a.1')], { mark }));
        await purgeAll({}, T0 + MINUTE);
        expect(await outbox.commit(aCommit([], { mark, at: T0 + MINUTE }))).toMatchObject({ status: 'duplicate' });
      });
    });

    describe('stops', () => {
      it('keeps who is stopped, until it is resumed', async () => {
        const stop = { provider: hub, fingerprint: 'f1', reason: 'HTTP 410', at: T0 };
        await outbox.stop(stop);
        await outbox.stop({ ...stop, provider: other });
        await outbox.stop({ ...stop, fingerprint: 'f2' });
        expect(await outbox.stops()).toEqual([
          { ...stop, fingerprint: 'f2' },
          { ...stop, provider: other },
        ]);
        await outbox.resume(hub);
        await outbox.resume(hub);
        expect(await outbox.stops()).toEqual([{ ...stop, provider: other }]);
      });
    });

    describe('stats', () => {
      it('counts per Provider and state', async () => {
        expect(await outbox.stats()).toEqual([]);
        await commit(...['a.1', 'a.2', 'a.3', 'a.4'].map((id) => anEntry(id)));
        await outbox.commit(aCommit([anEntry('b.1', { provider: other })], { at: T0 + 7 }));
        const [first, second] = (await claim({ except: new Set(['flux-system/other']), limit: 3 })) as [
          ClaimedEntry,
          ClaimedEntry,
        ];
        await settle(first, { outcome: 'delivered' });
        await settle(second, { outcome: 'dead-letter', error: 'x' });
        const stats = [...(await outbox.stats())].sort((a, b) => a.provider.name.localeCompare(b.provider.name));
        expect(stats).toEqual([
          {
            provider: hub,
            counts: { pending: 1, delivering: 1, delivered: 1, 'dead-letter': 1 },
            oldestPendingAt: T0,
          },
          {
            provider: other,
            counts: { pending: 1, delivering: 0, delivered: 0, 'dead-letter': 0 },
            oldestPendingAt: T0 + 7,
          },
        ]);
      });

      it('has no oldest entry when nothing is undelivered', async () => {
        await commit(anEntry('a.1'));
        await deliver('a.1');
        expect((await outbox.stats())[0]).not.toHaveProperty('oldestPendingAt');
      });
    });

    describe('list', () => {
      it('pages, newest first', async () => {
        for (let i = 0; i < 5; i++) await commit(anEntry(`a.${i}`));
        const first = await outbox.list({}, { limit: 2 });
        expect(idsOf(first.entries)).toEqual(['a.4', 'a.3']);
        await commit(anEntry('a.5'));
        const second = await outbox.list({}, { limit: 2, after: first.next ?? '' });
        expect(idsOf(second.entries)).toEqual(['a.2', 'a.1']);
        const third = await outbox.list({}, { limit: 2, after: second.next ?? '' });
        expect(idsOf(third.entries)).toEqual(['a.0']);
        expect(third).not.toHaveProperty('next');
      });

      it('has no next page after exactly the last entry', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'));
        expect(await outbox.list({}, { limit: 2 })).not.toHaveProperty('next');
      });

      it.each<[string, EntryFilter, string[]]>([
        ['nothing', {}, ['aa.1', 'ab.1', 'b.1', 'c.1']],
        ['the start of an id', { ids: ['a'] }, ['aa.1', 'ab.1']],
        ['several ids', { ids: ['aa.1', 'b.1', 'none', ''] }, ['aa.1', 'b.1']],
        ['no ids', { ids: [] }, []],
        ['states', { states: ['delivered', 'dead-letter'] }, ['b.1', 'c.1']],
        ['one state', { states: ['dead-letter'] }, ['c.1']],
        ['what is under lease', { states: ['delivering'] }, ['ab.1']],
        ['what waits', { states: ['pending'] }, ['aa.1']],
        ['no states', { states: [] }, []],
        ['Provider', { provider: other }, ['aa.1', 'c.1']],
        ['Provider and state', { provider: other, states: ['pending', 'delivering'] }, ['aa.1']],
        ['a Provider without entries', { provider: { namespace: 'x', name: 'y' } }, []],
        ['the full type', { type: 'dev.cdevents.incident.detected.0.3.0' }, ['aa.1', 'b.1']],
        ['the start of the type', { type: 'dev.cdevents.incident' }, ['aa.1', 'b.1']],
        ['the event name', { type: 'incident.detected' }, ['aa.1', 'b.1']],
        ['another event name', { type: 'incident.resolved' }, []],
        ['when it was accepted', { since: T0 + 2 }, ['b.1', 'c.1']],
        ['id and state', { ids: ['a', 'b'], states: ['delivered'] }, ['b.1']],
      ])('filters by %s', async (_, filter, expected) => {
        const incident = { type: 'dev.cdevents.incident.detected.0.3.0' };
        const entries = [
          anEntry('aa.1', { provider: other, ...incident }),
          anEntry('ab.1', { orderingKey: 'k' }),
          anEntry('b.1', incident),
          anEntry('c.1', { provider: other, deadLetter: 'x' }),
        ];
        for (const [i, entry] of entries.entries()) await outbox.commit(aCommit([entry], { at: T0 + i }));
        const claimed = await claim({ at: T0 + 9, except: new Set(['flux-system/other']) });
        await settle(claimed.find(({ id }) => id === 'b.1') as ClaimedEntry, { outcome: 'delivered' });
        expect(sorted(idsOf(await list(filter)))).toEqual(expected);
      });
    });

    describe('onReady', () => {
      const hearing = () => {
        const listener = vi.fn();
        return { listener, end: outbox.onReady(listener) };
      };
      const heard = (listener: ReturnType<typeof vi.fn>) => vi.waitFor(() => expect(listener).toHaveBeenCalled());

      it('tells of a commit that gives something to claim', async () => {
        await claim();
        const { listener } = hearing();
        await commit(anEntry('a.1'));
        await heard(listener);
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('tells of a settlement that lets another entry through', async () => {
        await commit(anEntry('a.1', { orderingKey: 'k' }), anEntry('a.2', { orderingKey: 'k' }));
        const [entry] = (await claim()) as [ClaimedEntry];
        const { listener } = hearing();
        await settle(entry, { outcome: 'delivered' });
        await heard(listener);
      });

      it('tells of a retry that is due before what the last claim said', async () => {
        await commit(anEntry('a.1'));
        const [entry] = (await claim()) as [ClaimedEntry];
        const { listener } = hearing();
        await settle(entry, { outcome: 'retry', dueAt: T0 + 1_000, error: 'x' });
        await heard(listener);
        expect(await outbox.claim(aClaim())).toEqual({ entries: [], nextDueAt: T0 + 1_000 });
      });

      it.each<[string, () => Promise<unknown>]>([
        ['replay', () => outbox.replay({}, { at: T0, expiresAt: T0 + MINUTE, remap: false })],
        ['wake', () => outbox.wake(hub, T0)],
      ])('tells of a %s', async (what, act) => {
        await commit(anEntry('a.1'));
        const entry = await claimOne();
        if (what === 'wake') await settle(entry, { outcome: 'retry', dueAt: T0 + MINUTE, error: 'x' });
        else await settle(entry, { outcome: 'dead-letter', error: 'x' });
        await claim();
        const { listener } = hearing();
        await act();
        await heard(listener);
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('tells of an expansion', async () => {
        await commit(anUnmapped('a.1'));
        const { id, leaseId } = await claimOne();
        await claim();
        const { listener } = hearing();
        const { object } = aCommit([]);
        await outbox.expand({ id, leaseId, object, expect: 0, entries: [anEntry('b.1')], at: T0 });
        await heard(listener);
      });

      it('tells every listener, until it ends its subscription', async () => {
        await claim();
        const [first, second] = [hearing(), hearing()];
        first.end();
        await commit(anEntry('a.1'));
        await heard(second.listener);
        expect(first.listener).not.toHaveBeenCalled();
      });
    });

    describe('reopening', () => {
      it('finds everything again, and leases ended', async () => {
        const mark = { key: 'm', expiresAt: T0 + MINUTE };
        const k = { orderingKey: 'k' };
        await outbox.commit(aCommit([anEntry('a.1', k), anEntry('a.2', k)], { remember: 'one', mark }));
        await commit(anEntry('z.1'));
        await outbox.commit(aCommit([anEntry('b.1', { deadLetter: 'x' })], { object: 'o' }));
        const claimed = await claim();
        await outbox.stop({ provider: hub, fingerprint: 'f', reason: 'r', at: T0 });
        const before = await list();
        const memory = await outbox.recall(aCommit([]).object);
        await outbox.close();

        outbox = await store.open();
        expect(await list()).toEqual(
          before.map((entry) => ({ ...entry, state: entry.state === 'delivering' ? 'pending' : entry.state })),
        );
        expect(await outbox.recall(aCommit([]).object)).toEqual(memory);
        expect(await outbox.stops()).toHaveLength(1);
        expect(await outbox.commit(aCommit([], { mark }))).toMatchObject({ status: 'duplicate' });
        expect((await countsOf())?.['dead-letter']).toBe(1);
        expect(await claimIds()).toEqual(idsOf(claimed));
        for (const late of claimed) expect(await settle(late, { outcome: 'delivered' })).toBe(false);
      });

      it('goes on with the order', async () => {
        await commit(anEntry('a.1', { orderingKey: 'k' }));
        await outbox.close();
        outbox = await store.open();
        await commit(anEntry('a.2', { orderingKey: 'k' }));
        expect(await claimIds()).toEqual(['a.1']);
        expect(idsOf(await list())).toEqual(['a.2', 'a.1']);
      });
    });

    describe('close', () => {
      it('finishes what was asked for before', async () => {
        const receipt = commit(anEntry('a.1'));
        await Promise.all([outbox.close(), outbox.close()]);
        expect(await receipt).toEqual({ status: 'stored' });
        await expect(commit(anEntry('a.2'))).rejects.toMatchObject({ code: 'FCE_STORE_UNAVAILABLE' });
        outbox = await store.open();
        expect(idsOf(await list())).toEqual(['a.1']);
      });
    });
  });
