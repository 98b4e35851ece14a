import type { NamespacedName } from '../../../flux/object-ref.ts';
import type { Database } from './database.ts';

/** What the worker knows about the queue of one Provider without reading the file. */
export interface ProviderQueue {
  readonly id: number;
  /** `namespace/name`. */
  readonly name: string;
  /** Pending and waiting entries, including those under lease. */
  undelivered: number;
  /** Undelivered entries without a message. */
  waiting: number;
  delivered: number;
  deadLetters: number;
  leased: number;
  /** The total size of the leased entries. */
  leasedBytes: number;
  /** Leased entries without a message. */
  leasedWaiting: number;
  /** A lower bound: no claimable entry is due earlier. */
  nextDueAt: number;
}

type Count = 'undelivered' | 'waiting' | 'delivered' | 'deadLetters';

type Counts = [undelivered: number, waiting: number, delivered: number, deadLetters: number];
const COUNTS = 'undelivered, waiting, delivered, dead_letters';

const noLeases = { leased: 0, leasedBytes: 0, leasedWaiting: 0 };

/** The Providers and their counts. One transaction writes the counts together with the entries that they count. */
export interface Providers {
  /** Finds the queue with this name, or creates it. Call it only inside a transaction. */
  intern(name: string): ProviderQueue;
  find(name: string): ProviderQueue | undefined;
  byId(id: number): ProviderQueue;
  all(): Iterable<ProviderQueue>;
  add(provider: ProviderQueue, count: Count, by: number): void;
  /** Writes the changed counts. Call it before the transaction commits. */
  flush(): void;
  committed(): void;
  /** Restores the counts of the last commit. */
  rolledBack(): void;
}

export function createProviders(db: Database): Providers {
  const byName = new Map<string, ProviderQueue>();
  const byId = new Map<number, ProviderQueue>();
  const changed = new Set<ProviderQueue>();
  const created = new Set<ProviderQueue>();
  let lastId = 0;

  const remember = (queue: ProviderQueue): ProviderQueue => {
    byName.set(queue.name, queue);
    byId.set(queue.id, queue);
    lastId = Math.max(lastId, queue.id);
    return queue;
  };
  for (const [id, name, undelivered, waiting, delivered, deadLetters] of db.each<[number, string, ...Counts]>(
    `SELECT id, name, ${COUNTS} FROM provider`,
  )) {
    const counts = { undelivered, waiting, delivered, deadLetters, ...noLeases };
    remember({ id, name, ...counts, nextDueAt: Number.POSITIVE_INFINITY });
  }

  return {
    intern(name) {
      const known = byName.get(name);
      if (known) return known;
      const counts = { undelivered: 0, waiting: 0, delivered: 0, deadLetters: 0, ...noLeases };
      const queue = remember({ id: lastId + 1, name, ...counts, nextDueAt: Number.POSITIVE_INFINITY });
      created.add(queue);
      db.run('INSERT INTO provider (id, name) VALUES (?, ?)', queue.id, name);
      return queue;
    },
    find: (name) => byName.get(name),
    byId(id) {
      const queue = byId.get(id);
      if (!queue) throw new Error(`no provider ${id} in the store`);
      return queue;
    },
    all: () => byName.values(),
    add(provider, count, by) {
      provider[count] += by;
      changed.add(provider);
    },
    flush() {
      for (const { id, undelivered, waiting, delivered, deadLetters } of changed) {
        db.run(
          'UPDATE provider SET undelivered = ?, waiting = ?, delivered = ?, dead_letters = ? WHERE id = ?',
          undelivered,
          waiting,
          delivered,
          deadLetters,
          id,
        );
      }
    },
    committed() {
      changed.clear();
      created.clear();
    },
    rolledBack() {
      for (const queue of created) {
        byName.delete(queue.name);
        byId.delete(queue.id);
      }
      for (const queue of changed) {
        const row = db.get<Counts>(`SELECT ${COUNTS} FROM provider WHERE id = ?`, queue.id);
        if (row) [queue.undelivered, queue.waiting, queue.delivered, queue.deadLetters] = row;
      }
      changed.clear();
      created.clear();
    },
  };
}

/** Parses a name that `nameOf` wrote to the file. The first slash ends the namespace. */
export function toName(name: string): NamespacedName {
  const slash = name.indexOf('/');
  return { namespace: name.slice(0, slash), name: name.slice(slash + 1) };
}
