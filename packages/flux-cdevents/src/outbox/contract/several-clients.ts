import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClaimedEntry } from '../entry.ts';
import type { Outbox } from '../outbox.ts';
import { aClaim, aCommit, anEntry, anUnmapped, aSettlement, hub, idsOf, MINUTE, sorted } from './fixtures.ts';
import type { CreateStore, StoreUnderTest } from './store-under-test.ts';

/** What two clients of one store see of each other. */
export const describeSeveralClients = (create: CreateStore): void =>
  void describe('several clients', () => {
    let store: StoreUnderTest;
    let first: Outbox;
    let second: Outbox;
    beforeEach(async () => {
      store = await create();
      first = await store.connect();
      second = await store.connect();
    });
    afterEach(async () => {
      await first.close();
      await second.close();
      await store.remove();
    });
    const { object } = aCommit([]);
    const claimOne = async (client: Outbox): Promise<ClaimedEntry> => {
      const { entries } = await client.claim(aClaim({ limit: 1 }));
      return entries[0] as ClaimedEntry;
    };

    it('find what the other committed', async () => {
      const mark = { key: 'm', ttlMs: MINUTE };
      await first.commit(aCommit([anEntry('a.1')], { mark, remember: 'one' }));
      expect(await second.show('a.1')).toEqual(await first.show('a.1'));
      expect(await second.recall(object)).toMatchObject({ memory: 'one' });
      expect(await second.commit(aCommit([anEntry('b.1')], { mark }))).toMatchObject({ status: 'duplicate' });
      expect(await second.commit(aCommit([anEntry('a.1')]))).toMatchObject({ status: 'duplicate' });
    });

    it('claim an entry for one of them only', async () => {
      await first.commit(aCommit(Array.from({ length: 20 }, (_, i) => anEntry(`a.${i}`))));
      const claims = await Promise.all(
        [first, second, first, second].map((client) => client.claim(aClaim({ limit: 5 }))),
      );
      const ids = claims.flatMap(({ entries }) => idsOf(entries));
      expect(new Set(ids).size).toBe(ids.length);
      const rest = await second.claim(aClaim());
      expect(sorted([...ids, ...idsOf(rest.entries)])).toEqual(sorted(Array.from({ length: 20 }, (_, i) => `a.${i}`)));
    });

    it('count the leases of each other for `perProvider`', async () => {
      await first.commit(aCommit([anEntry('a.1'), anEntry('a.2')]));
      expect((await first.claim(aClaim({ perProvider: 1 }))).entries).toHaveLength(1);
      expect(await second.claim(aClaim({ perProvider: 1 }))).toEqual({ entries: [], nextDueInMs: MINUTE });
    });

    it('keep one order', async () => {
      const k = { orderingKey: 'k' };
      await first.commit(aCommit([anEntry('a.1', k)]));
      await second.commit(aCommit([anEntry('a.2', k)]));
      const entry = await claimOne(second);
      expect(entry.id).toBe('a.1');
      expect((await first.claim(aClaim())).entries).toEqual([]);
      await second.settle([aSettlement(entry, { outcome: 'delivered' })]);
      expect((await claimOne(first)).id).toBe('a.2');
    });

    it('conflict when both change one memory, and then see the newest', async () => {
      await first.commit(aCommit([], { remember: 'one' }));
      const { version } = await second.recall(object);
      expect((await first.recall(object)).version).toBe(version);
      expect(await second.commit(aCommit([], { expect: version, remember: 'two' }))).toEqual({ status: 'stored' });
      expect(await first.commit(aCommit([], { expect: version, remember: 'three' }))).toEqual({ status: 'conflict' });
      expect(await first.recall(object)).toMatchObject({ memory: 'two' });
    });

    it('take over an entry whose lease ended, and its holder has lost it', async () => {
      await first.commit(aCommit([anUnmapped('a.1')]));
      const late = await claimOne(first);
      store.advance(MINUTE);
      const { id, leaseId } = await claimOne(second);
      expect(id).toBe('a.1');
      const replaces = { id: late.id, leaseId: late.leaseId };
      expect(await first.settle([aSettlement(late, { outcome: 'delivered' })])).toEqual([{ state: 'lost' }]);
      expect(await first.commit(aCommit([anEntry('b.1')], { replaces }))).toEqual({ status: 'lost' });
      expect(await second.commit(aCommit([anEntry('b.1')], { replaces: { id, leaseId } }))).toEqual({
        status: 'stored',
      });
    });

    it('hand out the texts in the store, whichever client wrote them', async () => {
      await first.commit(aCommit([anEntry('a.1', { message: '"old"' })]));
      await second.abandon(hub, 'x');
      await second.discard({});
      await second.commit(aCommit([anEntry('a.1', { message: '"new"' })]));
      expect(await claimOne(first)).toMatchObject({ id: 'a.1', message: '"new"' });
    });

    it('notify each other of claimable entries', async () => {
      await first.claim(aClaim());
      const listener = vi.fn();
      first.onReady(listener);
      await second.commit(aCommit([anEntry('a.1')]));
      await vi.waitFor(() => expect(listener).toHaveBeenCalled());
      expect((await claimOne(first)).id).toBe('a.1');
    });

    it('share stops and counts', async () => {
      await first.commit(aCommit([anEntry('a.1'), anEntry('a.2')]));
      await first.stop({ provider: hub, fingerprint: 'f', reason: 'HTTP 410' });
      await claimOne(first);
      expect(await second.stops()).toMatchObject([{ provider: hub, fingerprint: 'f' }]);
      expect(await second.stats()).toMatchObject([{ counts: { pending: 1, delivering: 1 } }]);
    });

    it('do not need each other: one continues when the other is closed', async () => {
      await first.commit(aCommit([anEntry('a.1')]));
      await first.close();
      expect((await claimOne(second)).id).toBe('a.1');
    });
  });
