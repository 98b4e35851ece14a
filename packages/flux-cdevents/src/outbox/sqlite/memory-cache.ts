import type { Recalled } from '../outbox.ts';
import { createBoundedCache } from './bounded-cache.ts';

/**
 * The memories last used: a recall is normally no question to the worker. A stale one does no harm, because a commit
 * checks the version.
 */
export interface MemoryCache {
  get(object: string): Recalled | undefined;
  set(object: string, recalled: Recalled): void;
  /** Forgets what a conflict has shown to be old; a newer one stays. */
  drop(object: string, version: number): void;
}

/** @param maxChars keys and texts together */
export function createMemoryCache(maxChars = 16 * 1024 * 1024): MemoryCache {
  const cache = createBoundedCache<Recalled>(
    (object, { memory }) => object.length + (memory?.length ?? 0) + 64,
    maxChars,
  );
  return {
    get: cache.get,
    set: cache.set,
    drop(object, version) {
      if (cache.peek(object)?.version === version) cache.delete(object);
    },
  };
}
