import { type BackoffLimits, backoffMs } from '../lib/backoff.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';

/** The shortest delay before another attempt, even when the receiver asks for a shorter one. */
export const MIN_DELAY_MS = 1000;
/** The longest delay, unless the receiver asks for a longer one. */
export const MAX_DELAY_MS = 600_000;

const attempts: BackoffLimits = { firstMs: MIN_DELAY_MS, maxMs: MAX_DELAY_MS, jitter: 0.5 };
/** Short, so that a receiver that is back is noticed soon. */
const probes: BackoffLimits = { firstMs: MIN_DELAY_MS, maxMs: 5_000, jitter: 0.5 };
/** Shorter than for a receiver, because every Provider waits for the store. */
const storeCalls: BackoffLimits = { firstMs: 250, maxMs: 10_000, jitter: 0.5 };

/**
 * How long to wait after a failed attempt: from 1 s, doubling, to 10 min.
 * @param failures failed attempts so far, from 1
 * @param random in [0, 1)
 * @throws {RangeError} when `failures` is below 1
 */
export const attemptDelayMs = (failures: number, random: number): number => backoffMs(failures, random, attempts);

/**
 * How long to wait before a probe of a Provider that is down: from 1 s, doubling, to 5 s.
 * @param probe which one since the Provider is down, from 1
 */
export const probeDelayMs = (probe: number, random: number): number => backoffMs(probe, random, probes);

/** How long to wait when somebody must change a Secret first: 4 to 6 min. */
export const slowDelayMs = (random: number): number => Math.round(240_000 + 120_000 * random);

/** How long to wait before the store is called again after it failed: from 250 ms to 10 s. */
export const storeDelayMs = (failures: number, random: number): number => backoffMs(failures, random, storeCalls);

/**
 * How long to wait before the next attempt. The receiver's `Retry-After` wins, but the delay is at least
 * `MIN_DELAY_MS`.
 */
export function retryDelayMs(
  { retryAfterMs, slow }: Extract<DeliveryOutcome, { status: 'retryable' }>,
  failures: number,
  random: number,
): number {
  if (retryAfterMs !== undefined) return Math.max(retryAfterMs, MIN_DELAY_MS);
  return slow ? slowDelayMs(random) : attemptDelayMs(failures, random);
}
