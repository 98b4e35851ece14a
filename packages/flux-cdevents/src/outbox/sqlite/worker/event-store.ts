import type { ArgumentOf, CommitAnswer, NewEntryRow } from '../protocol.ts';
import {
  count,
  DELIVERED,
  endLease,
  entryExists,
  insertEntry,
  promote,
  READY,
  removeEntry,
  settled,
} from './entries.ts';
import type { Lease } from './leases.ts';
import type { Operations } from './operation.ts';
import { PLACE_STRIDE, type Store } from './store.ts';

/** The precision of a memory's last use. Updating the index with every event would be slow. */
const USE_GRANULARITY_MS = 3_600_000;

export const eventStore: Operations<'recall' | 'commit'> = {
  recall: {
    mode: 'read',
    run(store, object) {
      const row = store.db.get<[number, string]>('SELECT version, memory FROM memory WHERE object = ?', object);
      return row ? { version: row[0], memory: row[1] } : { version: 0 };
    },
  },

  commit: {
    mode: 'write',
    /** Makes all checks before the first write, so that a refused commit changes nothing. */
    run(store, { object, expect, remember: memory, entries, mark, replaces }, at) {
      const lease = replaces && store.leases.find(replaces.leaseId, replaces.id);
      if (replaces && !lease) return { status: 'lost' };
      const duplicate = lease ? undefined : findDuplicate(store, entries, mark, at);
      if (duplicate) return duplicate;
      if (!isExpected(store, object, expect, at)) return { status: 'conflict' };

      const places = lease ? replace(store, lease, entries, at) : append(store, entries, at);
      if (mark) store.marks.put(mark.key, at + mark.ttlMs);
      if (memory === undefined) return { status: 'stored', places };
      return { status: 'stored', places, version: remember(store, object, expect, memory, at) };
    },
  },
};

function findDuplicate(
  store: Store,
  entries: readonly NewEntryRow[],
  mark: ArgumentOf<'commit'>['mark'],
  at: number,
): CommitAnswer | undefined {
  const expiresAt = mark && store.marks.find(mark.key);
  // A mark that outlasts its own lifetime was made before the clock was set back.
  if (mark && expiresAt !== undefined && expiresAt > at && expiresAt - at <= mark.ttlMs)
    return { status: 'duplicate', retryAfterMs: expiresAt - at };
  const allStored = entries.length > 0 && entries.every(([id]) => entryExists(store, id));
  return allStored ? { status: 'duplicate', retryAfterMs: 0 } : undefined;
}

/** @returns the places; 0 for an entry that is already in the store */
function append(store: Store, entries: readonly NewEntryRow[], at: number): number[] {
  return entries.map((entry) => {
    const seq = store.nextSeq();
    const [, , , , , , , , maxAgeMs] = entry;
    return insertEntry(store, entry, { seq, acceptedAt: at, expiresAt: at + maxAgeMs, at }) ? seq : 0;
  });
}

/** Replaces a claimed entry with other entries at its place. Without any, the claimed entry counts as delivered. */
function replace(store: Store, lease: Lease, entries: readonly NewEntryRow[], at: number): number[] {
  if (entries.length === 0) {
    store.db.run('UPDATE entry SET state = 2, settled_at = ? WHERE seq = ?', at, lease.seq);
    settled(store, lease, DELIVERED);
    return [];
  }
  const [acceptedAt, expiresAt] = store.db.get<[number, number]>(
    'SELECT accepted_at, expires_at FROM entry WHERE seq = ?',
    lease.seq,
  ) ?? [at, at];
  removeEntry(store, lease.seq);
  count(store, lease.provider, { state: READY, hasMessage: lease.hasMessage }, -1);
  endLease(store, lease);
  const missing = entries.filter(([id]) => !entryExists(store, id));
  const free = placesFrom(store, lease.seq, missing.length);
  const places = entries.map((entry) => {
    if (entryExists(store, entry[0])) return 0;
    const seq = free.shift() ?? store.nextSeq();
    return insertEntry(store, entry, { seq, acceptedAt, expiresAt, at }) ? seq : 0;
  });
  promote(store, lease.key);
  return places;
}

/**
 * Free places from `seq` on, spread out so that each entry can be replaced again. Empty when the entries do not fit
 * before the next entry, which takes hundreds of entries from one event. Those go to the end of the queue.
 */
function placesFrom(store: Store, seq: number, wanted: number): number[] {
  const [next] = store.db.get<[number | null]>('SELECT min(seq) FROM entry WHERE seq > ?', seq) ?? [null];
  const room = Math.min(next ?? Number.POSITIVE_INFINITY, seq - (seq % PLACE_STRIDE) + PLACE_STRIDE) - seq;
  const step = Math.floor(room / Math.max(wanted, 1));
  return step === 0 ? [] : Array.from({ length: wanted }, (_, index) => seq + index * step);
}

/**
 * Checks that the memory still has the recalled version, and records its use, which keeps it from being purged.
 * @returns false on a conflict
 */
function isExpected(store: Store, object: string, expect: number, at: number): boolean {
  const row = store.db.get<[version: number, usedAt: number]>(
    'SELECT version, used_at FROM memory WHERE object = ?',
    object,
  );
  if ((row?.[0] ?? 0) !== expect) return false;
  if (row && at - row[1] > USE_GRANULARITY_MS) {
    store.db.run('UPDATE memory SET used_at = ? WHERE object = ?', at, object);
  }
  return true;
}

/**
 * @param expect the version that `isExpected` found
 * @returns the new version. The first version is the current time, so that a memory that is created again after a purge
 * does not repeat an old version.
 */
function remember(store: Store, object: string, expect: number, memory: string, at: number): number {
  if (expect === 0) {
    const version = Math.max(at, 1);
    store.db.run(
      'INSERT INTO memory (object, version, used_at, memory) VALUES (?, ?, ?, ?)',
      object,
      version,
      at,
      memory,
    );
    return version;
  }
  store.db.run('UPDATE memory SET version = ?, memory = ? WHERE object = ?', expect + 1, memory, object);
  return expect + 1;
}
