/** Values last used, least recently used first; the oldest go when all together are too large. */
export interface BoundedCache<T> {
  get(key: string): T | undefined;
  /** The same without making it the last used. */
  peek(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
  clear(): void;
}

/**
 * @param sizeOf in characters
 * @param maxSize of all values together
 */
export function createBoundedCache<T>(sizeOf: (key: string, value: T) => number, maxSize: number): BoundedCache<T> {
  const cached = new Map<string, T>();
  let size = 0;
  const remove = (key: string): void => {
    const value = cached.get(key);
    if (value !== undefined && cached.delete(key)) size -= sizeOf(key, value);
  };
  return {
    get(key) {
      const value = cached.get(key);
      if (value !== undefined) {
        cached.delete(key);
        cached.set(key, value);
      }
      return value;
    },
    peek: (key) => cached.get(key),
    set(key, value) {
      remove(key);
      cached.set(key, value);
      size += sizeOf(key, value);
      for (const oldest of cached.keys()) {
        if (size <= maxSize) break;
        remove(oldest);
      }
    },
    delete: remove,
    clear() {
      cached.clear();
      size = 0;
    },
  };
}
