import { describe, expect, it } from 'vitest';
import type { ClaimedEntry } from '../entry.ts';
import { anEntry, anUnmapped, aSettlement, HOUR, hub, idsOf, MINUTE, other, sorted } from './fixtures.ts';
import { type CreateStore, setUpStore } from './store-under-test.ts';

export const describeDeadLetters = (create: CreateStore): void =>
  void describe('dead letters', () => {
    const scene = setUpStore(create);
    const { advance, commit, claim, claimOne, claimIds, settle, list, find, deliver, bury, countsOf } = scene;

    describe('replay', () => {
      const again = { maxAgeMs: 98 * MINUTE, remap: false };

      it('sends dead letters and delivered entries again, under the same id', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'), anEntry('a.3'));
        const [first, second] = (await claim({ limit: 2 })) as [ClaimedEntry, ClaimedEntry];
        await settle(first, { outcome: 'dead-letter', error: 'HTTP 400' });
        await settle(second, { outcome: 'delivered' });
        advance(MINUTE);
        expect(await scene.outbox.replay({}, again)).toBe(2);
        const replayed = await scene.outbox.show('a.1');
        expect(replayed).toMatchObject({
          state: 'pending',
          attempts: 0,
          dueAt: scene.now,
          expiresAt: scene.now + again.maxAgeMs,
          lastError: 'HTTP 400',
          message: anEntry('a.1').message,
        });
        expect(replayed).not.toHaveProperty('settledAt');
        expect(sorted(await claimIds())).toEqual(['a.1', 'a.2', 'a.3']);
      });

      it('takes what the filter selects', async () => {
        await commit(anEntry('a.1'), anEntry('b.1'));
        for (const entry of await claim()) await settle(entry, { outcome: 'dead-letter', error: 'x' });
        expect(await scene.outbox.replay({ ids: ['b.'] }, again)).toBe(1);
        expect(await scene.outbox.replay({ states: ['pending', 'waiting', 'delivered'] }, again)).toBe(0);
        expect(await scene.outbox.replay({ ids: [] }, again)).toBe(0);
        expect(await claimIds()).toEqual(['b.1']);
      });

      it('puts an entry back at its place in the order', async () => {
        const k = { orderingKey: 'k' };
        await commit(anEntry('a.1', k), anEntry('a.2', k), anEntry('a.3', k));
        await deliver('a.1');
        await bury('a.2');
        await scene.outbox.replay({ ids: ['a.1', 'a.2'] }, again);
        const order: string[] = [];
        while (order.length < 3) {
          const claimed = await claim();
          expect(claimed).toHaveLength(1);
          order.push(claimed[0]?.id ?? '');
          await settle(claimed[0] as ClaimedEntry, { outcome: 'delivered' });
        }
        expect(order).toEqual(['a.1', 'a.2', 'a.3']);
      });

      it.each(['settled', 'released', 'ended by time'])(
        'holds an entry back while a later one of its key is under lease, until that is %s',
        async (how) => {
          const k = { orderingKey: 'k' };
          await commit(anEntry('a.1', k), anEntry('a.2', k));
          await bury('a.1');
          const current = await claimOne();
          expect(current.id).toBe('a.2');
          await scene.outbox.replay({}, again);
          expect(await claim()).toEqual([]);
          if (how === 'settled') await settle(current, { outcome: 'retry', delayMs: 0, error: 'x' });
          if (how === 'released') await settle(current, { outcome: 'release' });
          if (how === 'ended by time') advance(MINUTE);
          expect(await claimIds()).toEqual(['a.1']);
        },
      );

      it.each(['cdevent', 'flux'] as const)('removes the message of a %s that is mapped again', async (kind) => {
        await commit(anEntry('a.1', { kind }));
        await bury('a.1');
        expect(await scene.outbox.replay({}, { ...again, remap: true })).toBe(1);
        expect(await find('a.1')).toMatchObject({ state: 'waiting' });
        const [entry] = await claim();
        expect(entry).toMatchObject({ id: 'a.1', kind: 'cdevent', source: anEntry('a.1').source });
        expect(entry).not.toHaveProperty('type');
        expect(entry).not.toHaveProperty('message');
      });

      it('sends a forwarded entry unchanged, even with remap', async () => {
        const { source: _, type: __, ...entry } = anEntry('a.1', { kind: 'forward' });
        await commit(entry);
        await bury('a.1');
        expect(await scene.outbox.replay({}, { ...again, remap: true })).toBe(1);
        expect(await find('a.1')).toMatchObject({ state: 'pending' });
        expect(await claim()).toMatchObject([{ id: 'a.1', kind: 'forward', message: entry.message }]);
      });

      it('returns an entry that was never mapped to waiting', async () => {
        await commit(anUnmapped('a.1', { deadLetter: 'no such Provider' }));
        expect(await scene.outbox.replay({}, again)).toBe(1);
        expect(await find('a.1')).toMatchObject({ state: 'waiting', lastError: 'no such Provider' });
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('takes thousands', async () => {
        await commit(...Array.from({ length: 2_500 }, (_, i) => anEntry(`a.${i}`, { deadLetter: 'x' })));
        expect(await scene.outbox.replay({ states: ['dead-letter'] }, again)).toBe(2_500);
        expect(await countsOf()).toMatchObject({ pending: 2_500, 'dead-letter': 0 });
      });
    });

    describe('discard', () => {
      it('removes the dead letters that the filter selects, and nothing else', async () => {
        await commit(anEntry('a.1', { deadLetter: 'x' }), anEntry('a.2', { deadLetter: 'x' }), anEntry('a.3'));
        expect(await scene.outbox.discard({ ids: ['a.1', 'a.3'] })).toBe(1);
        expect(idsOf(await list())).toEqual(['a.3', 'a.2']);
        expect(await scene.outbox.discard({ states: ['pending'] })).toBe(0);
        expect(await scene.outbox.discard({})).toBe(1);
        expect(await countsOf()).toEqual({ waiting: 0, pending: 1, delivering: 0, delivered: 0, 'dead-letter': 0 });
      });

      it('forgets the id', async () => {
        await commit(anEntry('a.1', { deadLetter: 'x' }));
        await scene.outbox.discard({});
        expect(await commit(anEntry('a.1'))).toEqual({ status: 'stored' });
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
        advance(5);
        expect(await scene.outbox.abandon(hub, 'Provider was deleted')).toBe(3);
        expect(await scene.outbox.settle(claimed.map((entry) => aSettlement(entry, { outcome: 'delivered' })))).toEqual(
          [{ state: 'lost' }, { state: 'lost' }],
        );
        expect(await find('a.2')).toMatchObject({
          state: 'dead-letter',
          lastError: 'Provider was deleted',
          settledAt: scene.now,
        });
        expect(await claimIds()).toEqual(['b.1']);
      });

      it('keeps the last error', async () => {
        await commit(anEntry('a.1'));
        await settle(await claimOne(), { outcome: 'retry', delayMs: 0, error: 'HTTP 503' });
        await scene.outbox.abandon(hub, 'Provider was deleted');
        expect(await find('a.1')).toMatchObject({ lastError: 'Provider was deleted; last error: HTTP 503' });
      });

      it('of a Provider that has nothing does nothing', async () => {
        expect(await scene.outbox.abandon(hub, 'x')).toBe(0);
      });
    });

    describe('expire', () => {
      it('makes expired entries dead letters, and answers with them', async () => {
        await commit(anEntry('a.1', { maxAgeMs: MINUTE, orderingKey: 'k' }), anEntry('a.2', { orderingKey: 'k' }));
        advance(MINUTE - 1);
        expect(await scene.outbox.expire(0)).toEqual([]);
        advance(2);
        const expired = await scene.outbox.expire(0);
        expect(expired).toMatchObject([{ id: 'a.1', state: 'dead-letter', settledAt: scene.now, attempts: 0 }]);
        expect(expired[0]?.lastError).toBe('not delivered within its max-age, after 0 attempts');
        expect(await scene.outbox.show('a.1')).toMatchObject({ source: anEntry('a.1').source });
        expect(await claimIds()).toEqual(['a.2']);
      });

      it('keeps entries during the grace', async () => {
        await commit(anEntry('a.1', { maxAgeMs: MINUTE }));
        advance(2 * MINUTE);
        expect(await scene.outbox.expire(MINUTE + 1)).toEqual([]);
        advance(1);
        expect(await scene.outbox.expire(MINUTE + 1)).toMatchObject([{ id: 'a.1' }]);
      });

      it('keeps the last error', async () => {
        await commit(anEntry('a.1', { maxAgeMs: MINUTE }));
        await settle(await claimOne(), { outcome: 'retry', delayMs: 0, error: 'HTTP 503' });
        advance(2 * MINUTE);
        const [entry] = await scene.outbox.expire(0);
        expect(entry?.lastError).toBe('not delivered within its max-age, after 1 attempt; last error: HTTP 503');
      });

      it('leaves an entry under lease to its holder', async () => {
        await commit(anEntry('a.1', { maxAgeMs: MINUTE }));
        const entry = await claimOne({ leaseMs: HOUR });
        advance(2 * MINUTE);
        expect(await scene.outbox.expire(0)).toEqual([]);
        expect(await settle(entry, { outcome: 'delivered' })).toEqual({ state: 'delivered' });
      });

      it('takes a bounded number a call, and all of them in the end', async () => {
        await commit(...Array.from({ length: 1_200 }, (_, i) => anEntry(`a.${i}`, { maxAgeMs: 0 })));
        advance(MINUTE);
        let total = 0;
        for (let count = -1; count !== 0; total += count) count = (await scene.outbox.expire(0)).length;
        expect(total).toBe(1_200);
      });
    });
  });
