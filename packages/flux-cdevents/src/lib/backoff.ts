export interface BackoffLimits {
  /** The shortest delay: the one after the first failure, without jitter. */
  readonly firstMs: number;
  /** The longest delay, jitter included. */
  readonly maxMs: number;
  /** The maximum jitter as a share of the delay: 0.5 adds up to half the delay. */
  readonly jitter: number;
}

/**
 * How long to wait after a failed attempt: `firstMs`, doubled with each further failure. Jitter is added within the
 * limit, so that clients that wait for the same thing do not all retry at once.
 * @param failures failed attempts so far, from 1
 * @param random in [0, 1)
 * @throws {RangeError} when `failures` is below 1
 */
export function backoffMs(failures: number, random: number, { firstMs, maxMs, jitter }: BackoffLimits): number {
  if (failures < 1) throw new RangeError(`failures: expected 1 or more, got ${failures}`);
  const base = Math.min(firstMs * 2 ** (failures - 1), maxMs / (1 + jitter));
  return Math.round(base * (1 + jitter * random));
}

/** The waits between attempts, which double after each failure. */
export interface Backoff {
  /** Counts one more failure. @returns the wait before the next attempt in ms */
  next(): number;
  reset(): void;
}

/** @param random in [0, 1) */
export function createBackoff(limits: BackoffLimits, random: () => number = Math.random): Backoff {
  let failures = 0;
  return {
    next: () => backoffMs(++failures, random(), limits),
    reset() {
      failures = 0;
    },
  };
}
