import type { NewEntry } from '../entry.ts';

/**
 * What was committed a moment ago is usually claimed next: its texts are still here, and the worker need not read them
 * and send them back. An entry is taken out when it is claimed; whatever is not found is loaded.
 */
export interface PayloadCache {
  add(entries: readonly NewEntry[], at: number): void;
  take(id: string): NewEntry | undefined;
  /** Texts may have changed. */
  clear(): void;
}

/** What nobody claimed for so long is not about to be claimed: it makes room. */
const STALE_MS = 5_000;

const sizeOf = ({ source, message }: NewEntry): number => source.length + (message?.length ?? 0) + 512;

/**
 * Full, it takes nothing more: with a backlog the oldest are claimed first, and those are the ones it has.
 * @param maxChars texts together
 */
export function createPayloadCache(maxChars = 2 * 1024 * 1024): PayloadCache {
  const cached = new Map<string, NewEntry>();
  let chars = 0;
  let since = 0;
  const clear = (): void => {
    cached.clear();
    chars = 0;
  };
  return {
    add(entries, at) {
      if (chars >= maxChars && at - since > STALE_MS) clear();
      for (const entry of entries) {
        if (entry.deadLetter !== undefined || chars >= maxChars || cached.has(entry.id)) continue;
        if (cached.size === 0) since = at;
        cached.set(entry.id, entry);
        chars += sizeOf(entry);
      }
    },
    take(id) {
      const entry = cached.get(id);
      if (entry && cached.delete(id)) chars -= sizeOf(entry);
      return entry;
    },
    clear,
  };
}
