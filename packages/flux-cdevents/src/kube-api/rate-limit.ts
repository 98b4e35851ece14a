import { setTimeout as delay } from 'node:timers/promises';

/** Lets so many requests through at once, and then so many a second, in the order of asking. */
export interface RateLimiter {
  /** Resolves when it is one's turn. @throws when the signal aborts */
  take(signal?: AbortSignal): Promise<void>;
}

/**
 * The client-side limit of the Flux controllers (`--kube-api-qps`, `--kube-api-burst`).
 * @param now in ms, monotonic
 */
export function createRateLimiter(
  { qps, burst }: { readonly qps: number; readonly burst: number },
  now: () => number = () => performance.now(),
): RateLimiter {
  const intervalMs = 1000 / qps;
  /** When the bucket would be full again. */
  let fullAt = Number.NEGATIVE_INFINITY;
  return {
    async take(signal) {
      const at = now();
      fullAt = Math.max(fullAt, at) + intervalMs;
      const waitMs = fullAt - at - burst * intervalMs;
      if (waitMs > 0) await delay(waitMs, undefined, signal && { signal });
    },
  };
}
