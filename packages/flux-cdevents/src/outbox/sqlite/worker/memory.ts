import type { Store } from './store.ts';

/** How exact the last use of a memory is kept: an index entry rewritten with every event would cost more. */
const USE_GRANULARITY_MS = 3_600_000;

export function recall(store: Store, object: string): readonly [version: number, memory: string | null] {
  return store.db.get<[number, string]>('SELECT version, memory FROM memory WHERE object = ?', object) ?? [0, null];
}

/**
 * Checks that the memory is what the caller recalled, and that it is kept when it is used.
 * @returns false on a conflict
 */
export function isExpected(store: Store, object: string, expect: number, at: number): boolean {
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
 * @returns the new version. The first one is the time, so that a memory that was purged and began anew is another one.
 */
export function remember(store: Store, object: string, expect: number, memory: string, at: number): number {
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
