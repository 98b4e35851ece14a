/** Lets so many through for one key at once, and then one after each interval. */
export interface Budget {
  /** @returns false when there is none left for the key */
  spend(key: string): boolean;
}

const MAX_KEYS = 4096;

/**
 * A token bucket a key; the keys that were used last are kept.
 * @param now in ms
 */
export function createBudget(
  { burst, everyMs }: { readonly burst: number; readonly everyMs: number },
  now: () => number,
): Budget {
  /** When the bucket of a key would be full again. */
  const fullAt = new Map<string, number>();
  return {
    spend(key) {
      const at = now();
      const next = Math.max(fullAt.get(key) ?? at, at) + everyMs;
      if (next - at > burst * everyMs) return false;
      fullAt.delete(key);
      fullAt.set(key, next);
      for (const oldest of fullAt.keys()) {
        if (fullAt.size <= MAX_KEYS) break;
        fullAt.delete(oldest);
      }
      return true;
    },
  };
}
