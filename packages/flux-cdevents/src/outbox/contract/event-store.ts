import { describe, expect, it } from 'vitest';
import type { ClaimedEntry, NewEntry } from '../entry.ts';
import type { Commit } from '../event-store.ts';
import { aCommit, anEntry, anUnmapped, hub, idsOf, MINUTE, sorted } from './fixtures.ts';
import { type CreateStore, setUpStore } from './store-under-test.ts';

export const describeEventStore = (create: CreateStore): void =>
  void describe('event store', () => {
    const scene = setUpStore(create);
    const { advance, commit, claim, claimOne, claimIds, settle, list, find, deliver, bury, countsOf } = scene;

    describe('commit', () => {
      it('keeps an entry as it was given', async () => {
        const entry = anEntry('a.1', {
          orderingKey: 'hub podinfo',
          partitionKey: 'uid-1',
          message: '{"ü":"\\u0000 €"}',
        });
        expect(await commit(entry)).toEqual({ status: 'stored' });
        const { maxAgeMs, ...given } = entry;
        const times = { acceptedAt: scene.now, expiresAt: scene.now + maxAgeMs, dueAt: scene.now };
        expect(await scene.outbox.show('a.1')).toEqual({ ...given, state: 'pending', attempts: 0, ...times });
      });

      it.each<[string, NewEntry]>([
        ['a Flux event', anEntry('a.1', { kind: 'flux' })],
        ['a forwarded request', anEntry('a.1', { kind: 'forward' })],
      ])('keeps %s, which has no event type', async (_, { type, source, ...entry }) => {
        await commit(entry);
        const stored = await scene.outbox.show('a.1');
        expect(stored).toMatchObject({ kind: entry.kind, message: entry.message, state: 'pending' });
        expect(stored).not.toHaveProperty('type');
        expect(stored).not.toHaveProperty('source');
        const [claimed] = await claim();
        expect(claimed).toMatchObject({ kind: entry.kind, message: entry.message });
        expect(claimed).not.toHaveProperty('type');
      });

      it('keeps an entry that waits to be mapped', async () => {
        await commit(anUnmapped('a.1'));
        const stored = await scene.outbox.show('a.1');
        expect(stored).toMatchObject({ state: 'waiting', kind: 'cdevent', source: anEntry('a.1').source });
        expect(stored).not.toHaveProperty('type');
        expect(stored).not.toHaveProperty('message');
        expect(await claim()).toMatchObject([{ id: 'a.1', state: 'delivering' }]);
      });

      it('commits the entries, the mark and the memory together', async () => {
        const mark = { key: 'podinfo upgraded', ttlMs: MINUTE };
        await scene.outbox.commit(aCommit([anEntry('a.1'), anEntry('a.2')], { remember: '{"revision":"1"}', mark }));
        expect(sorted(idsOf(await list()))).toEqual(['a.1', 'a.2']);
        expect(await scene.outbox.recall(aCommit([]).object)).toMatchObject({ memory: '{"revision":"1"}' });
        expect(await scene.outbox.commit(aCommit([], { mark }))).toMatchObject({ status: 'duplicate' });
      });

      it('stores an event that causes no entry', async () => {
        expect(await scene.outbox.commit(aCommit([], { remember: '{}' }))).toEqual({ status: 'stored' });
        expect(await list()).toEqual([]);
      });

      it('answers many commits at once, each with its own outcome', async () => {
        const commits = Array.from({ length: 200 }, (_, i) =>
          aCommit([anEntry(`${i % 150}.1`)], { object: `object ${i}`, remember: `${i}` }),
        );
        const receipts = await Promise.all(commits.map((one) => scene.outbox.commit(one)));
        expect(receipts.map(({ status }) => status)).toEqual(commits.map((_, i) => (i < 150 ? 'stored' : 'duplicate')));
        expect(await list()).toHaveLength(150);
      });

      it('keeps an entry that is a dead letter from the start', async () => {
        await commit(
          anEntry('a.1', { deadLetter: 'not valid', orderingKey: 'k' }),
          anEntry('a.2', { orderingKey: 'k' }),
        );
        expect(await find('a.1')).toMatchObject({
          state: 'dead-letter',
          lastError: 'not valid',
          settledAt: scene.now,
        });
        expect(await claimIds()).toEqual(['a.2']);
      });
    });

    describe('duplicates', () => {
      const mark = { key: 'same', ttlMs: 5 * MINUTE };

      it('refuses an event while its mark is valid, and says for how long', async () => {
        await scene.outbox.commit(aCommit([anEntry('a.1')], { mark }));
        advance(MINUTE);
        const again = aCommit([anEntry('b.1')], { mark, remember: 'changed' });
        expect(await scene.outbox.commit(again)).toEqual({ status: 'duplicate', retryAfterMs: 4 * MINUTE });
        expect(idsOf(await list())).toEqual(['a.1']);
        expect((await scene.outbox.recall(again.object)).version).toBe(0);
      });

      it('takes it again when the mark has expired', async () => {
        await scene.outbox.commit(aCommit([anEntry('a.1')], { mark }));
        advance(5 * MINUTE);
        expect(await scene.outbox.commit(aCommit([anEntry('b.1')], { mark }))).toEqual({ status: 'stored' });
        advance(3 * MINUTE);
        expect(await scene.outbox.commit(aCommit([], { mark }))).toEqual({
          status: 'duplicate',
          retryAfterMs: 2 * MINUTE,
        });
      });

      it('changes nothing when all entries are in the store, whatever their state', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'));
        await deliver('a.1');
        const again = aCommit([anEntry('a.2'), anEntry('a.1')], { expect: 7, remember: 'changed' });
        expect(await scene.outbox.commit(again)).toMatchObject({ status: 'duplicate' });
        expect(await find('a.1')).toMatchObject({ state: 'delivered' });
        expect((await scene.outbox.recall(again.object)).version).toBe(0);
      });

      it('stores only the entries that are new', async () => {
        await commit(anEntry('a.1', { source: 'first' }));
        expect(await commit(anEntry('a.1', { source: 'second' }), anEntry('a.2'))).toEqual({ status: 'stored' });
        expect(sorted(idsOf(await list()))).toEqual(['a.1', 'a.2']);
        expect(await scene.outbox.show('a.1')).toMatchObject({ source: 'first' });
      });

      it('stores one entry of two with one id', async () => {
        expect(await commit(anEntry('a.1'), anEntry('a.1'))).toEqual({ status: 'stored' });
        expect(await list()).toHaveLength(1);
      });
    });

    describe('memory', () => {
      const object = 'apps/Deployment/a/b';
      const remember = (memory: string, version: number) =>
        scene.outbox.commit(aCommit([], { object, expect: version, remember: memory }));

      it('is empty at first, version 0', async () => {
        expect(await scene.outbox.recall(object)).toEqual({ version: 0 });
      });

      it('has another version after each change', async () => {
        await remember('one', 0);
        const first = await scene.outbox.recall(object);
        expect(first.memory).toBe('one');
        await remember('two', first.version);
        const second = await scene.outbox.recall(object);
        expect(second.memory).toBe('two');
        expect(second.version).not.toBe(first.version);
      });

      it('stays as it is when a commit does not change it', async () => {
        await remember('one', 0);
        const recalled = await scene.outbox.recall(object);
        expect(await scene.outbox.commit(aCommit([anEntry('a.1')], { object, expect: recalled.version }))).toEqual({
          status: 'stored',
        });
        expect(await scene.outbox.recall(object)).toEqual(recalled);
      });

      it('refuses a commit that was made from another version; nothing changes', async () => {
        await remember('one', 0);
        const mark = { key: 'm', ttlMs: MINUTE };
        const stale = aCommit([anEntry('a.1')], { object, expect: 0, remember: 'two', mark });
        expect(await scene.outbox.commit(stale)).toEqual({ status: 'conflict' });
        expect(await list()).toEqual([]);
        const { version, memory } = await scene.outbox.recall(object);
        expect(memory).toBe('one');
        expect(await scene.outbox.commit({ ...stale, expect: version })).toEqual({ status: 'stored' });
      });

      it('lets one of several concurrent changes win, and the others see it', async () => {
        const receipts = await Promise.all(['one', 'two', 'three'].map((memory) => remember(memory, 0)));
        expect(receipts.map(({ status }) => status).sort()).toEqual(['conflict', 'conflict', 'stored']);
        const { version } = await scene.outbox.recall(object);
        expect(await remember('four', version)).toEqual({ status: 'stored' });
      });

      it('is kept for each object by itself', async () => {
        await remember('one', 0);
        expect(await scene.outbox.recall('apps/Deployment/a/c')).toEqual({ version: 0 });
      });
    });

    describe('commit in the place of a claimed entry', () => {
      const { object } = aCommit([]);
      const k = { orderingKey: 'k' };
      const replace = ({ id, leaseId }: ClaimedEntry, entries: readonly NewEntry[], fields: Partial<Commit> = {}) =>
        scene.outbox.commit(aCommit(entries, { replaces: { id, leaseId }, ...fields }));

      it('puts the mapped entries in the place of the one that waited', async () => {
        await commit(anEntry('a.1', k), anUnmapped('a.2', k), anEntry('a.3', k));
        await deliver('a.1');
        expect(await replace(await claimOne(), [anEntry('b.1', k), anEntry('b.2', k)])).toEqual({ status: 'stored' });
        expect(await find('a.2')).toBeUndefined();
        expect(await scene.outbox.show('a.2')).toBeUndefined();
        expect(await scene.deliverAll()).toEqual(['b.1', 'b.2', 'a.3']);
      });

      it('keeps when the event was accepted, and when it expires', async () => {
        const acceptedAt = scene.now;
        await commit(anUnmapped('a.1', { maxAgeMs: 90 * MINUTE }));
        advance(MINUTE);
        await replace(await claimOne(), [anEntry('b.1', { maxAgeMs: 5 * MINUTE })]);
        const entry = { state: 'pending', acceptedAt, expiresAt: acceptedAt + 90 * MINUTE, attempts: 0 };
        expect(await find('b.1')).toMatchObject({ ...entry, dueAt: scene.now });
        expect(await claim()).toMatchObject([{ ...entry, state: 'delivering', ageMs: MINUTE }]);
      });

      it('may use the id of the entry that waited', async () => {
        await commit(anUnmapped('a.1'));
        await replace(await claimOne(), [anEntry('a.1')]);
        expect(await claim()).toMatchObject([{ id: 'a.1', message: anEntry('a.1').message }]);
      });

      it('leaves out an entry that is in the store already', async () => {
        await commit(anEntry('b.1'));
        await deliver('b.1');
        await commit(anUnmapped('a.1'));
        await replace(await claimOne(), [anEntry('b.1'), anEntry('b.2')]);
        expect(await claimIds()).toEqual(['b.2']);
        expect(await countsOf()).toEqual({ waiting: 0, pending: 0, delivering: 1, delivered: 1, 'dead-letter': 0 });
      });

      it('removes the claimed entry when all entries are already in the store', async () => {
        await commit(anEntry('b.1'));
        await deliver('b.1');
        await commit(anUnmapped('a.1', k), anEntry('a.2', k));
        expect(await replace(await claimOne(), [anEntry('b.1')])).toEqual({ status: 'stored' });
        expect(await find('a.1')).toBeUndefined();
        expect(await claimIds()).toEqual(['a.2']);
      });

      it('leaves an entry as it is that waits under the same id', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'));
        for (const entry of await claim()) await settle(entry, { outcome: 'delivered' });
        await scene.outbox.replay({}, { maxAgeMs: MINUTE, remap: true });
        const [first] = await claim({ limit: 1 });
        await replace(first as ClaimedEntry, [anEntry('a.1'), anEntry('a.2')]);
        const [{ message }, waiting] = (await claim()) as [ClaimedEntry, ClaimedEntry];
        expect([message, waiting.id, waiting.type, waiting.message]).toEqual([
          anEntry('a.1').message,
          'a.2',
          undefined,
          undefined,
        ]);
      });

      it('delivers the claimed entry when there are no entries', async () => {
        await commit(anUnmapped('a.1', k), anEntry('a.2', k));
        expect(await replace(await claimOne(), [])).toEqual({ status: 'stored' });
        expect(await find('a.1')).toMatchObject({ state: 'delivered', settledAt: scene.now });
        expect(await claimIds()).toEqual(['a.2']);
      });

      it('keeps an entry that is not valid as a dead letter', async () => {
        await commit(anUnmapped('a.1', k), anEntry('a.2', k));
        await replace(await claimOne(), [anEntry('b.1', { ...k, deadLetter: 'not valid' })]);
        expect(await find('b.1')).toMatchObject({ state: 'dead-letter', lastError: 'not valid' });
        expect(await claimIds()).toEqual(['a.2']);
      });

      it('remembers, against the version that was recalled', async () => {
        await commit(anUnmapped('a.1'));
        const entry = await claimOne();
        await scene.outbox.commit(aCommit([], { remember: 'one' }));
        expect(await replace(entry, [anEntry('b.1')], { remember: 'two' })).toEqual({ status: 'conflict' });
        expect(await find('a.1')).toMatchObject({ state: 'delivering' });
        const { version } = await scene.outbox.recall(object);
        expect(await replace(entry, [anEntry('b.1')], { remember: 'two', expect: version })).toEqual({
          status: 'stored',
        });
        expect(await scene.outbox.recall(object)).toMatchObject({ memory: 'two' });
      });

      it('is not a duplicate while its mark is valid', async () => {
        const mark = { key: 'm', ttlMs: 5 * MINUTE };
        await scene.outbox.commit(aCommit([anUnmapped('a.1')], { mark }));
        expect(await replace(await claimOne(), [anEntry('b.1')], { mark })).toEqual({ status: 'stored' });
        expect(await scene.outbox.commit(aCommit([], { mark }))).toMatchObject({ status: 'duplicate' });
      });

      it('is lost with the lease', async () => {
        await commit(anUnmapped('a.1'));
        const late = await claimOne();
        advance(MINUTE);
        await claimOne();
        expect(await replace(late, [anEntry('b.1')], { remember: 'two' })).toEqual({ status: 'lost' });
        expect(await find('b.1')).toBeUndefined();
        expect((await scene.outbox.recall(object)).version).toBe(0);
      });

      it('can be done again where it was done', async () => {
        await commit(anUnmapped('a.1', k), anEntry('z.1', k));
        await replace(await claimOne(), [anEntry('b.1', k), anEntry('b.2', k)]);
        await bury('b.1');
        await scene.outbox.replay({ ids: ['b.1'] }, { maxAgeMs: MINUTE, remap: true });
        await replace(await claimOne(), [anEntry('c.1', k), anEntry('c.2', k)]);
        expect(await scene.deliverAll()).toEqual(['c.1', 'c.2', 'b.2', 'z.1']);
      });
    });

    describe('the texts of an entry', () => {
      const before = { source: '"old source"', message: '"old"' };
      const after = { source: '"new source"', message: '"new"' };

      it('are those of the commit that stored it, not of an earlier one with its id', async () => {
        await commit(anEntry('a.1', before));
        await scene.outbox.abandon(hub, 'Provider was deleted');
        await scene.outbox.discard({});
        await commit(anEntry('a.1', after));
        expect(await claim()).toMatchObject([after]);
      });

      it('are those of the first commit when a later one had its id', async () => {
        await commit(anEntry('a.1', before));
        expect(await commit(anEntry('a.1', after), anEntry('a.2'))).toEqual({ status: 'stored' });
        expect((await claim()).find(({ id }) => id === 'a.1')).toMatchObject(before);
      });

      it('have no message when a concurrent replay removed it', async () => {
        await Promise.all([
          commit(anEntry('a.1', { ...before, maxAgeMs: 0 })),
          scene.outbox.expire(0),
          scene.outbox.replay({}, { maxAgeMs: MINUTE, remap: true }),
        ]);
        const [entry] = await claim();
        expect(entry).toMatchObject({ source: before.source });
        expect(entry).not.toHaveProperty('message');
      });

      it('are those of the entry that took the place of another', async () => {
        await commit(anUnmapped('a.1', { source: before.source }));
        const { id, leaseId } = await claimOne();
        await scene.outbox.commit(aCommit([anEntry('a.1', after)], { replaces: { id, leaseId } }));
        expect(await claim()).toMatchObject([after]);
      });
    });
  });
