import { describe, expect, it } from 'vitest';
import type { ClaimedEntry } from '../entry.ts';
import type { EntryFilter } from '../inspection.ts';
import { aCommit, anEntry, anUnmapped, hub, idsOf, other, sorted } from './fixtures.ts';
import { type CreateStore, setUpStore } from './store-under-test.ts';

export const describeInspection = (create: CreateStore): void =>
  void describe('inspection', () => {
    const scene = setUpStore(create);
    const { advance, commit, claim, settle, list, find, deliver } = scene;

    describe('list', () => {
      it('pages, newest first', async () => {
        for (let i = 0; i < 5; i++) await commit(anEntry(`a.${i}`));
        const first = await scene.outbox.list({}, { limit: 2 });
        expect(idsOf(first.entries)).toEqual(['a.4', 'a.3']);
        await commit(anEntry('a.5'));
        const second = await scene.outbox.list({}, { limit: 2, after: first.next ?? '' });
        expect(idsOf(second.entries)).toEqual(['a.2', 'a.1']);
        const third = await scene.outbox.list({}, { limit: 2, after: second.next ?? '' });
        expect(idsOf(third.entries)).toEqual(['a.0']);
        expect(third).not.toHaveProperty('next');
      });

      it('has no next page after exactly the last entry', async () => {
        await commit(anEntry('a.1'), anEntry('a.2'));
        expect(await scene.outbox.list({}, { limit: 2 })).not.toHaveProperty('next');
      });

      it('has fewer entries on a page when their texts are long', async () => {
        const reason = 'r'.repeat(3_000_000);
        await commit(...['a.1', 'a.2', 'a.3'].map((id) => anEntry(id, { reason })));
        const ids: string[] = [];
        for (let after: string | undefined = ''; after !== undefined; ) {
          const page = await scene.outbox.list({}, { limit: 3, ...(after !== '' && { after }) });
          expect(page.entries.length).toBeLessThan(3);
          ids.push(...idsOf(page.entries));
          after = page.next;
        }
        expect(ids).toEqual(['a.3', 'a.2', 'a.1']);
      });

      it('shows everything about an entry except its texts', async () => {
        await commit(anEntry('a.1', { orderingKey: 'k', partitionKey: 'uid-1' }));
        const { source, message, ...summary } = (await scene.outbox.show('a.1')) ?? {};
        expect([source, message]).toEqual([anEntry('a.1').source, anEntry('a.1').message]);
        expect(await list()).toEqual([summary]);
      });

      it.each<[string, EntryFilter, string[]]>([
        ['nothing', {}, ['aa.1', 'ab.1', 'b.1', 'c.1']],
        ['the start of an id', { ids: ['a'] }, ['aa.1', 'ab.1']],
        ['several ids', { ids: ['aa.1', 'b.1', 'none', ''] }, ['aa.1', 'b.1']],
        ['no ids', { ids: [] }, []],
        ['states', { states: ['delivered', 'dead-letter'] }, ['b.1', 'c.1']],
        ['one state', { states: ['dead-letter'] }, ['c.1']],
        ['what is under lease', { states: ['delivering'] }, ['ab.1']],
        ['what is pending', { states: ['pending'] }, ['aa.1']],
        ['no states', { states: [] }, []],
        ['Provider', { provider: other }, ['aa.1', 'c.1']],
        ['Provider and state', { provider: other, states: ['pending', 'delivering'] }, ['aa.1']],
        ['a Provider without entries', { provider: { namespace: 'x', name: 'y' } }, []],
        ['the full type', { types: ['dev.cdevents.incident.detected.0.3.0'] }, ['aa.1', 'b.1']],
        ['the start of the type', { types: ['dev.cdevents.incident'] }, ['aa.1', 'b.1']],
        ['several starts', { types: ['dev.cdevents.x', 'dev.cdevents.incident'] }, ['aa.1', 'b.1']],
        ['the middle of the type', { types: ['incident.detected'] }, []],
        ['no types', { types: [] }, []],
        ['when it was accepted', { since: 2 }, ['b.1', 'c.1']],
        ['id and state', { ids: ['a', 'b'], states: ['delivered'] }, ['b.1']],
      ])('filters by %s', async (_, filter, expected) => {
        const start = scene.now;
        const incident = { type: 'dev.cdevents.incident.detected.0.3.0' };
        const entries = [
          anEntry('aa.1', { provider: other, ...incident }),
          anEntry('ab.1', { orderingKey: 'k' }),
          anEntry('b.1', incident),
          anEntry('c.1', { provider: other, deadLetter: 'x' }),
        ];
        for (const entry of entries) {
          await commit(entry);
          advance(1);
        }
        const claimed = await claim({ except: new Set(['flux-system/other']) });
        await settle(claimed.find(({ id }) => id === 'b.1') as ClaimedEntry, { outcome: 'delivered' });
        const { since } = filter;
        expect(sorted(idsOf(await list({ ...filter, ...(since && { since: start + since }) })))).toEqual(expected);
      });

      it.each<[string, EntryFilter, string[]]>([
        ['kind', { kinds: ['flux', 'forward'] }, ['flux.1', 'forward.1']],
        [
          'the kind of a CDEvent, which a waiting entry also has',
          { kinds: ['cdevent'] },
          ['cdevent.1', 'lost.1', 'waiting.1'],
        ],
        ['no kinds', { kinds: [] }, []],
        ['what waits', { states: ['waiting'] }, ['waiting.1']],
        ['what is pending', { states: ['pending'] }, ['cdevent.1', 'flux.1', 'forward.1']],
        ['what waits for a Provider', { provider: hub, states: ['waiting'] }, ['waiting.1']],
        ['what was never mapped', { mapped: false }, ['lost.1', 'waiting.1']],
        ['what was mapped', { mapped: true }, ['cdevent.1', 'flux.1', 'forward.1']],
        ['dead letters that were never mapped', { states: ['dead-letter'], mapped: false }, ['lost.1']],
        ['types, which only a CDEvent has', { types: [''] }, ['cdevent.1']],
      ])('filters by %s', async (_, filter, expected) => {
        const { type: __, ...untyped } = anEntry('flux.1', { kind: 'flux' });
        await commit(
          anEntry('cdevent.1'),
          untyped,
          { ...untyped, id: 'forward.1', kind: 'forward' },
          anUnmapped('waiting.1'),
          anUnmapped('lost.1', { deadLetter: 'no such Provider' }),
        );
        expect(sorted(idsOf(await list(filter)))).toEqual(expected);
      });
    });

    describe('show', () => {
      it('takes the whole id', async () => {
        await commit(anEntry('a.1'));
        expect(await scene.outbox.show('a.1')).toMatchObject({ id: 'a.1', source: anEntry('a.1').source });
        expect(await scene.outbox.show('a.')).toBeUndefined();
        expect(await scene.outbox.show('')).toBeUndefined();
      });

      it('shows what a list shows', async () => {
        await commit(anEntry('a.1', { deadLetter: 'x' }), anUnmapped('a.2'));
        for (const id of ['a.1', 'a.2']) expect(await scene.outbox.show(id)).toMatchObject((await find(id)) ?? {});
      });
    });

    describe('stats', () => {
      it('counts per Provider and state', async () => {
        expect(await scene.outbox.stats()).toEqual([]);
        await commit(...['a.1', 'a.2', 'a.3', 'a.4'].map((id) => anEntry(id)));
        advance(7);
        await scene.outbox.commit(aCommit([anEntry('b.1', { provider: other })]));
        advance(1);
        const [first, second] = (await claim({ except: new Set(['flux-system/other']), limit: 3 })) as [
          ClaimedEntry,
          ClaimedEntry,
        ];
        await settle(first, { outcome: 'delivered' });
        await settle(second, { outcome: 'dead-letter', error: 'x' });
        const stats = [...(await scene.outbox.stats())].sort((a, b) => a.provider.name.localeCompare(b.provider.name));
        expect(stats).toEqual([
          {
            provider: hub,
            counts: { waiting: 0, pending: 1, delivering: 1, delivered: 1, 'dead-letter': 1 },
            oldestAgeMs: 8,
          },
          {
            provider: other,
            counts: { waiting: 0, pending: 1, delivering: 0, delivered: 0, 'dead-letter': 0 },
            oldestAgeMs: 1,
          },
        ]);
      });

      it('counts entries that wait to be mapped separately', async () => {
        const counts = { waiting: 0, pending: 0, delivering: 0, delivered: 0, 'dead-letter': 0 };
        await commit(anUnmapped('a.1'), anUnmapped('a.2'), anEntry('a.3'));
        expect(await scene.countsOf()).toEqual({ ...counts, waiting: 2, pending: 1 });
        const { id, leaseId } = await scene.claimOne();
        expect(await scene.countsOf()).toEqual({ ...counts, waiting: 1, pending: 1, delivering: 1 });
        await scene.outbox.commit(aCommit([anEntry('b.1'), anEntry('b.2')], { replaces: { id, leaseId } }));
        expect(await scene.countsOf()).toEqual({ ...counts, waiting: 1, pending: 3 });
        await scene.outbox.abandon(hub, 'x');
        expect(await scene.countsOf()).toEqual({ ...counts, 'dead-letter': 4 });
        await scene.outbox.replay({ ids: ['b.1'] }, { maxAgeMs: 1, remap: true });
        await scene.outbox.replay({ ids: ['a.'] }, { maxAgeMs: 1, remap: false });
        expect(await scene.countsOf()).toEqual({ ...counts, waiting: 2, pending: 1, 'dead-letter': 1 });
      });

      it('has no oldest entry when nothing is undelivered', async () => {
        await commit(anEntry('a.1'));
        await deliver('a.1');
        expect((await scene.outbox.stats())[0]).not.toHaveProperty('oldestAgeMs');
      });
    });
  });
