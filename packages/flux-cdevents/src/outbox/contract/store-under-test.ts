import { afterEach, beforeEach } from 'vitest';
import type { ClaimedEntry, EntrySummary, NewEntry } from '../entry.ts';
import type { EntryFilter } from '../inspection.ts';
import type { Outbox } from '../outbox.ts';
import type { ClaimRequest, Settled } from '../work-queue.ts';
import { aClaim, aCommit, aSettlement, hub, idsOf, type Outcome } from './fixtures.ts';

/** A store that a test has to itself. */
export interface StoreUnderTest {
  /**
   * Opens a client of the store. A store for several processes gives each client what a process would have; one for a
   * single process lets its clients share that. After all clients are closed, `connect` opens the same store again.
   */
  connect(): Promise<Outbox>;
  /**
   * Moves the store's clock forward. Nothing else moves it. A negative number sets it back, as the clock of a machine is
   * set back: only while no client is open, since an open store does not follow that.
   */
  advance(ms: number): void;
  /** The store's clock, epoch ms. */
  readonly now: number;
  /** Removes the store, after its clients are closed. */
  remove(): Promise<void>;
}

export type CreateStore = () => Promise<StoreUnderTest>;

/** Gives each test a store with one client, and short forms of what tests do with it. */
export function setUpStore(create: CreateStore) {
  let store: StoreUnderTest;
  let outbox: Outbox;
  beforeEach(async () => {
    store = await create();
    outbox = await store.connect();
  });
  afterEach(async () => {
    await outbox.close();
    await store.remove();
  });

  const claim = async (fields?: Partial<ClaimRequest>): Promise<readonly ClaimedEntry[]> =>
    (await outbox.claim(aClaim(fields))).entries;
  const claimOne = async (fields?: Partial<ClaimRequest>): Promise<ClaimedEntry> => {
    const [entry] = await claim({ limit: 1, ...fields });
    if (!entry) throw new Error('nothing to claim');
    return entry;
  };
  const claimThis = async (id: string): Promise<ClaimedEntry> => {
    const entry = (await claim()).find((claimed) => claimed.id === id);
    if (!entry) throw new Error(`${id} cannot be claimed`);
    return entry;
  };
  const settle = async (entry: ClaimedEntry, outcome: Outcome): Promise<Settled | undefined> =>
    (await outbox.settle([aSettlement(entry, outcome)]))[0];
  const list = async (filter: EntryFilter = {}): Promise<readonly EntrySummary[]> =>
    (await outbox.list(filter, { limit: 1_000 })).entries;

  return {
    get outbox() {
      return outbox;
    },
    get store() {
      return store;
    },
    get now() {
      return store.now;
    },
    advance: (ms: number): void => store.advance(ms),
    /** Opens the store again, after the test has closed it. */
    reopen: async (): Promise<void> => {
      outbox = await store.connect();
    },

    commit: (...entries: NewEntry[]) => outbox.commit(aCommit(entries)),
    claim,
    claimOne,
    claimThis,
    claimIds: async (fields?: Partial<ClaimRequest>): Promise<string[]> => idsOf(await claim(fields)),
    settle,
    /** Claims and delivers all that can be, one after the other. @returns their ids in this order */
    async deliverAll(): Promise<string[]> {
      const ids: string[] = [];
      for (let [entry] = await claim({ limit: 1 }); entry; [entry] = await claim({ limit: 1 })) {
        ids.push(entry.id);
        await settle(entry, { outcome: 'delivered' });
      }
      return ids;
    },
    deliver: async (id: string): Promise<void> => {
      await settle(await claimThis(id), { outcome: 'delivered' });
    },
    bury: async (id: string, error = 'HTTP 400'): Promise<void> => {
      await settle(await claimThis(id), { outcome: 'dead-letter', error });
    },
    list,
    find: async (id: string): Promise<EntrySummary | undefined> => (await list({ ids: [id] }))[0],
    countsOf: async (provider = hub) =>
      (await outbox.stats()).find((stats) => stats.provider.name === provider.name)?.counts,
  };
}
