import type { CommitAnswer, Writes } from '../protocol.ts';
import { entryExists, insertEntry } from './entries.ts';
import { isExpected, remember } from './memory.ts';
import type { Store } from './store.ts';

/** Checks first, then writes: a duplicate or a conflict leaves nothing behind. */
export function commit(
  store: Store,
  [object, expect, memory, entries, markKey, markExpiresAt, at]: Parameters<Writes['commit']>,
): CommitAnswer {
  if (markKey !== null) {
    const expiresAt = store.marks.find(markKey);
    if (expiresAt !== undefined && expiresAt > at) return ['duplicate', expiresAt - at, []];
  }
  if (entries.length > 0 && entries.every(([id]) => entryExists(store, id))) return ['duplicate', 0, []];
  if (!isExpected(store, object, expect, at)) return ['conflict', 0, []];

  const places = entries.map((entry) => {
    const seq = store.nextSeq();
    return insertEntry(store, entry, seq, at, at) ? seq : 0;
  });
  if (markKey !== null) store.marks.put(markKey, markExpiresAt);
  return ['stored', memory === null ? 0 : remember(store, object, expect, memory, at), places];
}
