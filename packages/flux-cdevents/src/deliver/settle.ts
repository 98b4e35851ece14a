import type { ClaimedEntry } from '../outbox/entry.ts';
import type { Settlement } from '../outbox/outbox.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';
import { backoffMs, MIN_DELAY_MS, slowDelayMs } from './backoff.ts';

/**
 * What follows from an attempt. Retried until the entry expires: a next attempt that would come later is made right
 * then, as the last one.
 * @param random in [0, 1)
 */
export function settle(
  { id, leaseId, attempts, expiresAt }: Pick<ClaimedEntry, 'id' | 'leaseId' | 'attempts' | 'expiresAt'>,
  outcome: DeliveryOutcome,
  { now, random }: { readonly now: number; readonly random: number },
): Settlement {
  const settlement = { id, leaseId, at: now };
  if (outcome.status === 'delivered') return { ...settlement, outcome: 'delivered' };
  const { error } = outcome;
  if (outcome.status === 'rejected') return { ...settlement, outcome: 'dead-letter', error };
  if (now >= expiresAt) {
    const last = `not delivered within its max-age, after ${attempts + 1} attempts; last error: ${error}`;
    return { ...settlement, outcome: 'dead-letter', error: last };
  }
  const dueAt = Math.min(now + retryDelayMs(outcome, attempts + 1, random), expiresAt);
  return { ...settlement, outcome: 'retry', dueAt, error };
}

/** Until the next attempt. The receiver's own wish wins, but for one that would have us spin. */
export function retryDelayMs(
  { retryAfterMs, slow }: Extract<DeliveryOutcome, { status: 'retryable' }>,
  failures: number,
  random: number,
): number {
  if (retryAfterMs !== undefined) return Math.max(retryAfterMs, MIN_DELAY_MS);
  return slow ? slowDelayMs(random) : backoffMs(failures, random);
}
