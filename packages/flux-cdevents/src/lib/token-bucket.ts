import { setTimeout as delay } from 'node:timers/promises';

export interface TokenBucketOptions {
  /** How many tokens a full bucket holds: what may be taken at once. */
  readonly burst: number;
  /** The time until one more token is available. */
  readonly intervalMs: number;
}

/** Allows a burst, and then one more in each interval. */
export interface TokenBucket {
  /** Takes a token if there is one now. */
  tryTake(): boolean;
  /** Takes the next token, in the order of the calls, and waits for it. @throws when the signal aborts first */
  take(signal?: AbortSignal): Promise<void>;
}

/** @param now in ms. @default a monotonic clock */
export function createTokenBucket(
  { burst, intervalMs }: TokenBucketOptions,
  now: () => number = () => performance.now(),
): TokenBucket {
  /** When the bucket would be full again. */
  let fullAt = Number.NEGATIVE_INFINITY;
  /** How long until the next token is available, and when the bucket would be full again after it is taken. */
  const next = () => {
    const at = now();
    const after = Math.max(fullAt, at) + intervalMs;
    return { after, waitMs: after - at - burst * intervalMs };
  };
  return {
    tryTake() {
      const { after, waitMs } = next();
      if (waitMs > 0) return false;
      fullAt = after;
      return true;
    },
    async take(signal) {
      const { after, waitMs } = next();
      fullAt = after;
      if (waitMs > 0) await delay(waitMs, undefined, signal && { signal });
    },
  };
}
