export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** In [0, 1). @default Math.random */
  readonly random?: () => number;
}

/** Waits between attempts that double after each failure. */
export interface Backoff {
  /** Counts one more failure. @returns the wait before the next attempt in ms, half of it random so that replicas spread */
  next(): number;
  reset(): void;
}

export function createBackoff({ firstMs, maxMs, random = Math.random }: BackoffOptions): Backoff {
  let doubledMs = firstMs;
  return {
    next() {
      const ms = Math.min(doubledMs, maxMs);
      doubledMs = ms * 2;
      return ms * (0.5 + random() / 2);
    },
    reset() {
      doubledMs = firstMs;
    },
  };
}
