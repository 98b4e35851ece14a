import type { Writes } from '../protocol.ts';
import { DELIVERED, endLease, entryExists, insertEntry, promote, removeEntry } from './entries.ts';
import { isExpected, remember } from './memory.ts';
import { SEQ_STRIDE } from './seq.ts';
import { settled } from './settle.ts';
import type { Store } from './store.ts';

/** Puts the mapped entries exactly where the one stood that waited to be mapped. */
export function expand(
  store: Store,
  [id, leaseId, object, expect, memory, entries, at]: Parameters<Writes['expand']>,
): ReturnType<Writes['expand']> {
  const lease = store.leases.find(leaseId, id);
  if (!lease) return ['lost', 0];
  if (!isExpected(store, object, expect, at)) return ['conflict', 0];

  if (entries.length === 0) {
    store.db.run('UPDATE entry SET state = 2, settled_at = ? WHERE seq = ?', at, lease.seq);
    settled(store, lease, DELIVERED);
  } else {
    const [acceptedAt = at] = store.db.get<[number]>('SELECT accepted_at FROM entry WHERE seq = ?', lease.seq) ?? [];
    removeEntry(store, lease.seq);
    store.providers.add(lease.provider, 'undelivered', -1);
    endLease(store, lease);
    const missing = entries.filter((entry) => !entryExists(store, entry[0]));
    const places = placesAt(store, lease.seq, missing.length);
    for (const [index, entry] of missing.entries()) {
      insertEntry(store, entry, places[index] ?? store.nextSeq(), acceptedAt, at);
    }
    promote(store, lease.key);
  }
  return ['expanded', memory === null ? 0 : remember(store, object, expect, memory, at)];
}

/**
 * Free places from `seq` on, spread so that an entry there can be expanded again. None when they do not fit before the
 * next entry, which takes hundreds of entries from one event: these go to the end.
 */
function placesAt(store: Store, seq: number, count: number): number[] {
  const [next] = store.db.get<[number | null]>('SELECT min(seq) FROM entry WHERE seq > ?', seq) ?? [null];
  const room = Math.min(next ?? Number.POSITIVE_INFINITY, seq - (seq % SEQ_STRIDE) + SEQ_STRIDE) - seq;
  const step = Math.floor(room / Math.max(count, 1));
  return step === 0 ? [] : Array.from({ length: count }, (_, index) => seq + index * step);
}
