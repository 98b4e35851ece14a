import { describe, expect, it } from 'vitest';
import { anEntry } from '../outbox/contract/fixtures.ts';
import type { Commit, EventStore, Receipt } from '../outbox/event-store.ts';
import { commitMapped } from './commit-loop.ts';
import type { EventEntries } from './event-entries.ts';

const entry = anEntry('a.1');
const mappedTo = (result: Partial<EventEntries>): EventEntries => ({ entries: [], skipped: [], made: [], ...result });

/** A store that gives these receipts, and whose memory has another version each time that it is recalled. */
function aStore(...receipts: Receipt[]) {
  const commits: Commit[] = [];
  let version = 0;
  const store: EventStore = {
    recall: async () => ({ version: ++version, memory: `memory ${version}` }),
    async commit(commit) {
      commits.push(commit);
      return receipts.shift() ?? { status: 'stored' };
    },
  };
  return { store, commits };
}

describe('commitMapped', () => {
  it('commits what an event causes against the version that was recalled', async () => {
    const { store, commits } = aStore();
    const mark = { key: 'k', ttlMs: 1000 };
    const mapped = mappedTo({ entries: [entry], remember: 'new' });
    expect(await commitMapped(store, { object: 'o', mark, map: () => mapped })).toEqual({
      mapped,
      receipt: { status: 'stored' },
    });
    expect(commits).toEqual([{ object: 'o', expect: 1, remember: 'new', entries: [entry], mark }]);
  });

  it('maps again after a conflict, against what is remembered by then', async () => {
    const { store, commits } = aStore({ status: 'conflict' }, { status: 'conflict' });
    const map = (recalled?: string) => mappedTo({ entries: [{ ...entry, reason: recalled ?? '' }] });
    const { mapped } = await commitMapped(store, { object: 'o', map });
    expect(commits.map((commit) => commit.expect)).toEqual([1, 2, 3]);
    expect(mapped.entries).toMatchObject([{ reason: 'memory 3' }]);
  });

  it('commits nothing when there is no entry and nothing to remember', async () => {
    const { store, commits } = aStore();
    const { receipt } = await commitMapped(store, { object: 'o', map: () => mappedTo({}) });
    expect(receipt).toEqual({ status: 'nothing' });
    expect(commits).toEqual([]);
  });

  it('commits what is only remembered', async () => {
    const { store, commits } = aStore();
    await commitMapped(store, { object: 'o', map: () => mappedTo({ remember: 'new' }) });
    expect(commits).toEqual([{ object: 'o', expect: 1, remember: 'new', entries: [] }]);
  });

  it('replaces an entry by nothing, so that it does not wait any longer', async () => {
    const { store, commits } = aStore();
    const replaces = { id: 'a.1', leaseId: 'l' };
    await commitMapped(store, { object: 'o', replaces, map: () => mappedTo({}) });
    expect(commits).toEqual([{ object: 'o', expect: 1, entries: [], replaces }]);
  });

  it.each<Receipt>([{ status: 'duplicate', retryAfterMs: 5 }, { status: 'lost' }])('reports %j', async (receipt) => {
    const { store } = aStore(receipt);
    expect(await commitMapped(store, { object: 'o', map: () => mappedTo({ entries: [entry] }) })).toMatchObject({
      receipt,
    });
  });
});
