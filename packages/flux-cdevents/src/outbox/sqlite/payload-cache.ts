import type { NewEntry } from '../entry.ts';

/**
 * The texts of recently committed entries, by their places in the store. These entries are usually claimed next, and
 * the cache saves the worker from reading their texts and sending them back. A claim removes the entry from the cache.
 * The main thread loads the texts of entries that are not in the cache.
 *
 * This is not an LRU cache. When it is full, it ignores new entries: the oldest entries of a backlog are claimed first,
 * and those are the ones in the cache.
 *
 * The cache never has texts that differ from those in the store. Only a commit writes a text to a place, and each
 * commit replaces what the cache has for that place. After the commit, a text changes in one way only: a replay with
 * `remap` removes the message, and each claim says whether the entry has a message.
 */
export interface PayloadCache {
  /** @param places the place of each entry; 0 for an entry that was already in the store */
  add(entries: readonly NewEntry[], places: readonly number[], at: number): void;
  /** @param hasMessage whether the entry has a message in the store */
  take(place: number, hasMessage: boolean): NewEntry | undefined;
}

/** A full cache is emptied when this much time has passed since its first entry was added. */
const STALE_MS = 5_000;

const sizeOf = ({ source, message }: NewEntry): number => (source?.length ?? 0) + (message?.length ?? 0) + 512;

/** @param maxChars total length of the texts */
export function createPayloadCache(maxChars = 2 * 1024 * 1024): PayloadCache {
  const cached = new Map<number, NewEntry>();
  let chars = 0;
  let since = 0;
  const remove = (place: number): NewEntry | undefined => {
    const entry = cached.get(place);
    if (entry && cached.delete(place)) chars -= sizeOf(entry);
    return entry;
  };
  return {
    add(entries, places, at) {
      if (chars >= maxChars && at - since > STALE_MS) {
        cached.clear();
        chars = 0;
      }
      for (const [index, entry] of entries.entries()) {
        const place = places[index] ?? 0;
        remove(place);
        if (place === 0 || entry.deadLetter !== undefined || chars >= maxChars) continue;
        if (cached.size === 0) since = at;
        cached.set(place, entry);
        chars += sizeOf(entry);
      }
    },
    take(place, hasMessage) {
      const entry = remove(place);
      return entry && hasMessage === (entry.message !== undefined) ? entry : undefined;
    },
  };
}
