import type { NewEntry } from '../entry.ts';

/**
 * The texts of entries that were committed a moment ago, by their places in the store: they are usually claimed next,
 * and the worker then need not read them and send them back. An entry is taken out when it is claimed; the texts of
 * one that is not here are loaded.
 *
 * This is no LRU cache. When it is full it takes nothing more: with a backlog the oldest entries are claimed first, and
 * those are the ones that it has.
 *
 * It never has texts that differ from the store's. A text gets into a place of the store by a commit only, and each
 * commit replaces what the cache has of that place. In its place a text changes in one way: a replay drops the message
 * of an entry that is to be mapped anew, and a claim says whether there is one.
 */
export interface PayloadCache {
  /** @param places the place of each entry; 0 for one that the store had already */
  add(entries: readonly NewEntry[], places: readonly number[], at: number): void;
  /** @param hasMessage whether the entry has a message in the store */
  take(place: number, hasMessage: boolean): NewEntry | undefined;
}

/** Entries that nobody claims for so long after the first of them came make room when the cache is full. */
const STALE_MS = 5_000;

const sizeOf = ({ source, message }: NewEntry): number => (source?.length ?? 0) + (message?.length ?? 0) + 512;

/** @param maxChars texts together */
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
