import { describe, expect, it, vi } from 'vitest';
import type { ClaimedEntry, NewEntry } from '../entry.ts';
import {
  aClaim,
  aCommit,
  anEntry,
  anUnmapped,
  aSettlement,
  HOUR,
  hub,
  idsOf,
  MINUTE,
  other,
  sorted,
} from './fixtures.ts';
import { type CreateStore, setUpStore } from './store-under-test.ts';

export const describeWorkQueue = (create: CreateStore): void =>
  void describe('work queue', () => {
    const scene = setUpStore(create);
    const { advance, commit, claim, claimOne, claimIds, settle, find, deliver, bury } = scene;

    describe('claim', () => {
      it('hands an entry to one worker at a time', async () => {
        await commit(anEntry('a.1'));
        const [first, second] = await Promise.all([claim(), claim()]);
        expect([...idsOf(first), ...idsOf(second)]).toEqual(['a.1']);
        expect(await find('a.1')).toMatchObject({ state: 'delivering' });
      });

      it('hands out whole entries, oldest first', async () => {
        const acceptedAt = scene.now;
        await commit(anEntry('a.1'));
        advance(1);
        await commit(anEntry('a.2'));
        advance(1);
        const [first, second] = await claim();
        const { leaseId, ...entry } = first ?? {};
        const { maxAgeMs, ...given } = anEntry('a.1');
        expect(entry).toEqual({
          ...given,
          state: 'delivering',
          attempts: 0,
          acceptedAt,
          expiresAt: acceptedAt + maxAgeMs,
          dueAt: acceptedAt,
          ageMs: 2,
          bytes: `${given.source}${given.message}`.length,
        });
        expect(second?.id).toBe('a.2');
        expect(second?.leaseId).not.toBe(leaseId);
      });

      it('says how old an entry is when it must load its texts', async () => {
        await commit(anEntry('a.1'));
        await settle(await claimOne(), { outcome: 'release' });
        advance(MINUTE);
        const { maxAgeMs: _, ...given } = anEntry('a.1');
        expect(await claim()).toMatchObject([{ ...given, ageMs: MINUTE }]);
      });

      it('hands out at most `limit` entries, and says that more are due', async () => {
        await commit(...['a.1', 'a.2', 'a.3'].map((id) => anEntry(id)));
        const { entries, nextDueInMs } = await scene.outbox.claim(aClaim({ limit: 2 }));
        expect(idsOf(entries)).toEqual(['a.1', 'a.2']);
        expect(nextDueInMs).toBe(0);
        expect(await claimIds()).toEqual(['a.3']);
      });

      /** An entry of 1,000 bytes or more; a letter outside ASCII has two. */
      const sized = (id: string, bytes = 1_000, fields: Partial<NewEntry> = {}) =>
        anEntry(id, { source: 's'.repeat(bytes - 500), message: 'ж'.repeat(250), ...fields });

      it('hands out at most `maxBytes`, and says that more are due', async () => {
        await commit(...['a.1', 'a.2', 'a.3', 'a.4'].map((id) => sized(id)));
        const { entries, nextDueInMs } = await scene.outbox.claim(aClaim({ maxBytes: 2_500 }));
        expect(entries.map(({ id, bytes }) => [id, bytes])).toEqual([
          ['a.1', 1_000],
          ['a.2', 1_000],
        ]);
        expect(nextDueInMs).toBe(0);
        expect(await claimIds({ maxBytes: 2_000 })).toEqual(['a.3', 'a.4']);
      });

      it('hands out one entry whatever its size', async () => {
        await commit(sized('a.1', 9_000), sized('a.2'));
        expect(await claimIds({ maxBytes: 100, perProviderBytes: 10 })).toEqual(['a.1']);
        await commit(sized('b.1', 9_000, { provider: other }));
        expect(await claimIds({ maxBytes: 100, perProviderBytes: 10 })).toEqual(['b.1']);
      });

      it('leaves at most `perProviderBytes` under lease for one Provider', async () => {
        await commit(...['a.1', 'a.2', 'a.3'].map((id) => sized(id)), sized('b.1', 1_000, { provider: other }));
        const limits = { perProviderBytes: 2_000 };
        const [first] = await claim({ ...limits, limit: 1 });
        if (!first) throw new Error('nothing to claim');
        expect(sorted(await claimIds(limits))).toEqual(['a.2', 'b.1']);
        const { entries, nextDueInMs = 0 } = await scene.outbox.claim(aClaim(limits));
        expect(entries).toEqual([]);
        expect(nextDueInMs).toBeGreaterThan(0);
        await settle(first, { outcome: 'delivered' });
        expect(await claimIds(limits)).toEqual(['a.3']);
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
        expect(await scene.outbox.claim(aClaim({ perProvider: 1 }))).toEqual({ entries: [], nextDueInMs: MINUTE });
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
        const { entries } = await scene.outbox.claim(aClaim({ except }));
        expect(idsOf(entries)).toEqual(['b.1']);
        for (const entry of entries) await settle(entry, { outcome: 'delivered' });
        expect(await scene.outbox.claim(aClaim({ except }))).toEqual({ entries: [] });
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('gives a Provider to probe the one entry that is due soonest, although it is excepted and not due', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'), anEntry('b.1', { provider: other }));
        const [first, second] = await claim();
        await settle(first as ClaimedEntry, { outcome: 'retry', delayMs: HOUR, error: 'busy' });
        await settle(second as ClaimedEntry, { outcome: 'retry', delayMs: MINUTE, error: 'busy' });
        const name = 'flux-system/hub';
        const probe = { except: new Set([name]), probe: new Set([name]) };
        expect(await claimIds(probe)).toEqual(['a.2']);
        expect(await claimIds(probe)).toEqual(['a.1']);
        expect(await claimIds(probe)).toEqual([]);
      });

      it('keeps the order and the limits when it probes, and knows when the rest is due', async () => {
        const [k, l] = [{ orderingKey: 'k' }, { orderingKey: 'l' }];
        await commit(anEntry('a.1', k), anEntry('a.2', k), anEntry('a.3', l));
        const probe = new Set(['flux-system/hub', 'flux-system/unknown']);
        const first = await claimOne({ probe, limit: 1 });
        expect(first.id).toBe('a.1');
        expect(await claimIds({ probe, perProvider: 1 })).toEqual([]);
        expect(await claimIds({ probe })).toEqual(['a.3']);
        await settle(first, { outcome: 'retry', delayMs: MINUTE / 2, error: 'busy' });
        expect(await scene.outbox.claim(aClaim())).toEqual({ entries: [], nextDueInMs: MINUTE / 2 });
        advance(MINUTE / 2);
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('names no next time when nothing is queued', async () => {
        expect(await scene.outbox.claim(aClaim())).toEqual({ entries: [] });
        await commit(anEntry('a.1'));
        await deliver('a.1');
        expect(await scene.outbox.claim(aClaim())).toEqual({ entries: [] });
      });

      it('ends a lease after `leaseMs`, and says when', async () => {
        await commit(anEntry('a.1'));
        await claim({ leaseMs: 2 * MINUTE });
        advance(MINUTE);
        expect(await scene.outbox.claim(aClaim())).toEqual({ entries: [], nextDueInMs: MINUTE });
        advance(MINUTE);
        expect(await claimIds()).toEqual(['a.1']);
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

      it('holds back later entries while the first waits for its retry', async () => {
        await commit(keyed('a.1', 'k'), keyed('a.2', 'k'));
        await settle(await claimOne(), { outcome: 'retry', delayMs: MINUTE, error: 'HTTP 503' });
        expect(await scene.outbox.claim(aClaim())).toEqual({ entries: [], nextDueInMs: MINUTE });
        advance(MINUTE);
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('goes on after a dead letter', async () => {
        await commit(keyed('a.1', 'k'), keyed('a.2', 'k'));
        await bury('a.1');
        expect(await claimIds()).toEqual(['a.2']);
      });

      it('keeps the place of an entry that waits to be mapped', async () => {
        await commit(anUnmapped('a.1', { orderingKey: 'k' }), keyed('a.2', 'k'));
        const [entry, ...rest] = (await claim()) as [ClaimedEntry];
        expect([entry.id, rest]).toEqual(['a.1', []]);
        await settle(entry, { outcome: 'release' });
        expect(await claimIds()).toEqual(['a.1']);
      });
    });

    describe('settle', () => {
      it('delivered: the entry is done', async () => {
        await commit(anEntry('a.1'));
        const entry = await claimOne();
        advance(5);
        expect(await settle(entry, { outcome: 'delivered' })).toEqual({ state: 'delivered' });
        const settled = await find('a.1');
        expect(settled).toMatchObject({ state: 'delivered', attempts: 1, settledAt: scene.now });
        expect(settled).not.toHaveProperty('dueAt');
        advance(10 * MINUTE);
        expect(await claim()).toEqual([]);
      });

      it('retry: due after the delay, with the error and one attempt more', async () => {
        await commit(anEntry('a.1'));
        const retry = { outcome: 'retry', delayMs: MINUTE, error: 'HTTP 503' } as const;
        expect(await settle(await claimOne(), retry)).toEqual({ state: 'queued' });
        expect(await find('a.1')).toMatchObject({
          state: 'pending',
          attempts: 1,
          dueAt: scene.now + MINUTE,
          lastError: 'HTTP 503',
        });
        advance(MINUTE - 1);
        expect(await scene.outbox.claim(aClaim())).toEqual({ entries: [], nextDueInMs: 1 });
        advance(1);
        expect(await claim()).toMatchObject([{ id: 'a.1', attempts: 1, lastError: 'HTTP 503' }]);
      });

      it('retry: due when the entry expires if that is sooner', async () => {
        await commit(anEntry('a.1', { maxAgeMs: 2 * MINUTE }));
        const retry = { outcome: 'retry', delayMs: HOUR, error: 'HTTP 503' } as const;
        const entry = await claimOne();
        advance(MINUTE);
        expect(await settle(entry, retry)).toEqual({ state: 'queued' });
        expect(await find('a.1')).toMatchObject({ state: 'pending', dueAt: scene.now + MINUTE });
        expect(await scene.outbox.claim(aClaim())).toEqual({ entries: [], nextDueInMs: MINUTE });
      });

      it.each([
        [0, 0, 'not delivered within its max-age, after 1 attempt; last error: HTTP 503'],
        [1, 0, 'not delivered within its max-age, after 2 attempts; last error: HTTP 503'],
        [4, 0, 'not delivered within its max-age, after 5 attempts; last error: HTTP 503'],
        [4, 1, 'not delivered within its max-age, after 5 attempts; last error: HTTP 503'],
        [4, 1e9, 'not delivered within its max-age, after 5 attempts; last error: HTTP 503'],
      ])(
        'retry: a dead letter when it has expired, after %i earlier attempts, %i ms ago',
        async (before, ago, error) => {
          const retry = { outcome: 'retry', delayMs: 0, error: 'HTTP 503' } as const;
          await commit(anEntry('a.1', { maxAgeMs: MINUTE }), anEntry('a.2', { maxAgeMs: HOUR }));
          for (let i = 0; i < before; i++) await settle(await claimOne(), retry);
          const [entry] = (await claim({ leaseMs: 1e10 })) as [ClaimedEntry];
          expect(entry.id).toBe('a.1');
          advance(MINUTE + ago);
          expect(await settle(entry, retry)).toEqual({ state: 'dead-letter', error });
          expect(await find('a.1')).toMatchObject({
            state: 'dead-letter',
            attempts: before + 1,
            lastError: error,
            settledAt: scene.now,
          });
        },
      );

      it.each(
        [0, 1, 1_000, HOUR].flatMap((maxAgeMs) =>
          [0, 1, 999, 1_000, 2 * HOUR].map((heldMs) => [maxAgeMs, heldMs] as const),
        ),
      )(
        'retry: due after its delay, never after the expiry (max-age %i ms, held for %i ms)',
        async (maxAgeMs, heldMs) => {
          for (const delayMs of [0, 1, 1_000, 2 * HOUR]) {
            const id = `after-${delayMs}.1`;
            const expiresAt = scene.now + maxAgeMs;
            await commit(anEntry(id, { maxAgeMs }));
            const entry = await claimOne({ leaseMs: 10 * HOUR });
            advance(heldMs);
            const isExpired = scene.now >= expiresAt;
            expect(await settle(entry, { outcome: 'retry', delayMs, error: 'busy' })).toMatchObject({
              state: isExpired ? 'dead-letter' : 'queued',
            });
            expect((await find(id))?.dueAt).toBe(isExpired ? undefined : Math.min(scene.now + delayMs, expiresAt));
            await scene.outbox.abandon(hub, 'the next delay is tried');
          }
        },
      );

      it('dead-letter: kept with the error', async () => {
        await commit(anEntry('a.1'));
        const entry = await claimOne();
        advance(5);
        expect(await settle(entry, { outcome: 'dead-letter', error: 'HTTP 400' })).toEqual({
          state: 'dead-letter',
          error: 'HTTP 400',
        });
        expect(await find('a.1')).toMatchObject({
          state: 'dead-letter',
          attempts: 1,
          lastError: 'HTTP 400',
          settledAt: scene.now,
        });
      });

      it.each([
        ['pending', anEntry('a.1')],
        ['waiting', anUnmapped('a.1')],
      ])('release: %s as if it had not been claimed', async (state, entry) => {
        await commit(entry);
        const dueAt = scene.now;
        const claimed = await claimOne();
        advance(1);
        expect(await settle(claimed, { outcome: 'release' })).toEqual({ state: 'queued' });
        expect(await find('a.1')).toMatchObject({ state, attempts: 0, dueAt });
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('is done once', async () => {
        await commit(anEntry('a.1'));
        const entry = await claimOne();
        expect(
          await scene.outbox.settle([
            aSettlement(entry, { outcome: 'delivered' }),
            aSettlement(entry, { outcome: 'dead-letter', error: 'x' }),
          ]),
        ).toEqual([{ state: 'delivered' }, { state: 'lost' }]);
        expect(await settle(entry, { outcome: 'dead-letter', error: 'x' })).toEqual({ state: 'lost' });
        expect(await find('a.1')).toMatchObject({ state: 'delivered', attempts: 1 });
      });

      it('answers `lost` when the lease went to another, and changes nothing', async () => {
        await commit(anEntry('a.1'));
        const late = await claimOne();
        advance(MINUTE);
        const current = await claimOne();
        expect(await settle(late, { outcome: 'dead-letter', error: 'late' })).toEqual({ state: 'lost' });
        expect(await find('a.1')).toMatchObject({ state: 'delivering', attempts: 0 });
        expect(await settle(current, { outcome: 'delivered' })).toEqual({ state: 'delivered' });
      });

      it('answers `lost` to a lease of another entry, and to one that never was', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'));
        const [first, second] = (await claim()) as [ClaimedEntry, ClaimedEntry];
        expect(await settle({ ...first, leaseId: second.leaseId }, { outcome: 'delivered' })).toEqual({
          state: 'lost',
        });
        expect(await settle({ ...first, leaseId: 'no such lease' }, { outcome: 'delivered' })).toEqual({
          state: 'lost',
        });
        expect(await settle(first, { outcome: 'delivered' })).toEqual({ state: 'delivered' });
      });
    });

    describe('wake', () => {
      it('makes the retries of a Provider due', async () => {
        await commit(anEntry('a.1'), anEntry('a.2', { orderingKey: 'k' }), anEntry('b.1', { provider: other }));
        for (const entry of await claim()) {
          await settle(entry, { outcome: 'retry', delayMs: HOUR, error: 'x' });
        }
        advance(MINUTE);
        await scene.outbox.wake(hub);
        const { entries, nextDueInMs } = await scene.outbox.claim(aClaim({ leaseMs: 90 * MINUTE }));
        expect(sorted(idsOf(entries))).toEqual(['a.1', 'a.2']);
        expect(nextDueInMs).toBe(59 * MINUTE);
      });
    });

    describe('stops', () => {
      it('keeps who is stopped, until it is resumed', async () => {
        const stop = { provider: hub, fingerprint: 'f1', reason: 'HTTP 410' };
        const stoppedAt = scene.now;
        await scene.outbox.stop(stop);
        await scene.outbox.stop({ ...stop, provider: other });
        advance(MINUTE);
        await scene.outbox.stop({ ...stop, fingerprint: 'f2' });
        expect(await scene.outbox.stops()).toEqual([
          { ...stop, fingerprint: 'f2', stoppedAt: stoppedAt + MINUTE },
          { ...stop, provider: other, stoppedAt },
        ]);
        await scene.outbox.resume(hub);
        await scene.outbox.resume(hub);
        expect(await scene.outbox.stops()).toEqual([{ ...stop, provider: other, stoppedAt }]);
      });
    });

    describe('onReady', () => {
      const hearing = () => {
        const listener = vi.fn();
        return { listener, end: scene.outbox.onReady(listener) };
      };
      const heard = (listener: ReturnType<typeof vi.fn>) => vi.waitFor(() => expect(listener).toHaveBeenCalled());

      it('reports a commit that gives something to claim', async () => {
        await claim();
        const { listener } = hearing();
        await commit(anEntry('a.1'));
        await heard(listener);
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('reports a settlement that lets another entry through', async () => {
        await commit(anEntry('a.1', { orderingKey: 'k' }), anEntry('a.2', { orderingKey: 'k' }));
        const [entry] = (await claim()) as [ClaimedEntry];
        const { listener } = hearing();
        await settle(entry, { outcome: 'delivered' });
        await heard(listener);
      });

      it('reports a retry that is due before what the last claim said', async () => {
        await commit(anEntry('a.1'));
        const [entry] = (await claim()) as [ClaimedEntry];
        const { listener } = hearing();
        await settle(entry, { outcome: 'retry', delayMs: 1_000, error: 'x' });
        await heard(listener);
        expect(await scene.outbox.claim(aClaim())).toEqual({ entries: [], nextDueInMs: 1_000 });
      });

      it.each<[string, () => Promise<unknown>]>([
        ['replay', () => scene.outbox.replay({}, { maxAgeMs: MINUTE, remap: false })],
        ['wake', () => scene.outbox.wake(hub)],
      ])('reports a %s', async (what, act) => {
        await commit(anEntry('a.1'));
        const entry = await claimOne();
        if (what === 'wake') await settle(entry, { outcome: 'retry', delayMs: MINUTE, error: 'x' });
        else await settle(entry, { outcome: 'dead-letter', error: 'x' });
        await claim();
        const { listener } = hearing();
        await act();
        await heard(listener);
        expect(await claimIds()).toEqual(['a.1']);
      });

      it('reports a commit in the place of a claimed entry', async () => {
        await commit(anUnmapped('a.1'));
        const { id, leaseId } = await claimOne();
        await claim();
        const { listener } = hearing();
        await scene.outbox.commit(aCommit([anEntry('b.1')], { replaces: { id, leaseId } }));
        await heard(listener);
      });

      it('calls every listener, until it ends its subscription', async () => {
        await claim();
        const [first, second] = [hearing(), hearing()];
        first.end();
        await commit(anEntry('a.1'));
        await heard(second.listener);
        expect(first.listener).not.toHaveBeenCalled();
      });
    });
  });
