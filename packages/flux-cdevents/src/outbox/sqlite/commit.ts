import { entryExists, insertEntry } from './entries.ts';
import { isExpected, remember } from './memory.ts';
import type { CommitAnswer, Writes } from './protocol.ts';
import type { Store } from './store.ts';

/** Checks first, then writes: a duplicate or a conflict leaves nothing behind. */
export function commit(
  store: Store,
  [object, expect, memory, entries, markKey, markExpiresAt, at]: Parameters<Writes['commit']>,
): CommitAnswer {
  const { db } = store;
  if (markKey !== null) {
    const mark = db.get<[expiresAt: number]>('SELECT expires_at FROM mark WHERE key = ?', markKey);
    if (mark && mark[0] > at) return ['duplicate', mark[0] - at];
  }
  if (entries.length > 0 && entries.every(([id]) => entryExists(store, id))) return ['duplicate', 0];
  if (!isExpected(store, object, expect, at)) return ['conflict', 0];

  for (const entry of entries) insertEntry(store, entry, store.nextSeq(), at, at);
  if (markKey !== null) {
    db.run('INSERT OR REPLACE INTO mark (key, expires_at) VALUES (?, ?)', markKey, markExpiresAt);
  }
  return ['stored', memory === null ? 0 : remember(store, object, expect, memory, at)];
}
