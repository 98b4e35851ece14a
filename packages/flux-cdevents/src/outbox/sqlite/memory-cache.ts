import type { Recalled } from '../outbox.ts';

/**
 * The memories last used, least recently used first: a recall is normally no question to the worker. A stale one does
 * no harm, because a commit checks the version.
 */
export interface MemoryCache {
  get(object: string): Recalled | undefined;
  set(object: string, recalled: Recalled): void;
  /** Forgets what a conflict has shown to be old; a newer one stays. */
  drop(object: string, version: number): void;
}

/** @param maxChars keys and texts together */
export function createMemoryCache(maxChars = 16 * 1024 * 1024): MemoryCache {
  const cached = new Map<string, Recalled>();
  let chars = 0;
  const sizeOf = (object: string, { memory }: Recalled): number => object.length + (memory?.length ?? 0) + 64;
  const remove = (object: string): void => {
    const recalled = cached.get(object);
    if (recalled && cached.delete(object)) chars -= sizeOf(object, recalled);
  };
  return {
    get(object) {
      const recalled = cached.get(object);
      if (recalled) {
        cached.delete(object);
        cached.set(object, recalled);
      }
      return recalled;
    },
    set(object, recalled) {
      remove(object);
      cached.set(object, recalled);
      chars += sizeOf(object, recalled);
      for (const oldest of cached.keys()) {
        if (chars <= maxChars) break;
        remove(oldest);
      }
    },
    drop(object, version) {
      if (cached.get(object)?.version === version) remove(object);
    },
  };
}
