import type { NewEntry } from '../entry.ts';
import { createBoundedCache } from './bounded-cache.ts';

/**
 * What was committed a moment ago is usually claimed next: its texts are still here, and the worker need not read them
 * and send them back. An entry is taken out when it is claimed; whatever is not found is loaded.
 */
export interface PayloadCache {
  add(entries: readonly NewEntry[]): void;
  take(id: string): NewEntry | undefined;
  /** Texts may have changed. */
  clear(): void;
}

/** @param maxChars texts together */
export function createPayloadCache(maxChars = 8 * 1024 * 1024): PayloadCache {
  const cache = createBoundedCache<NewEntry>(
    (_, { source, message }) => source.length + (message?.length ?? 0) + 512,
    maxChars,
  );
  return {
    add(entries) {
      for (const entry of entries) if (entry.deadLetter === undefined) cache.set(entry.id, entry);
    },
    take(id) {
      const entry = cache.peek(id);
      cache.delete(id);
      return entry;
    },
    clear: cache.clear,
  };
}
