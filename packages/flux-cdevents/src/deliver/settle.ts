import type { ClaimedEntry } from '../outbox/entry.ts';
import type { Settlement } from '../outbox/work-queue.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';
import { retryDelayMs } from './retry-delay.ts';

/**
 * Converts the outcome of an attempt to a settlement. A retry has only a delay. The store knows when the entry expires,
 * and turns an expired entry into a dead letter.
 * @param random in [0, 1)
 * @param byChance failed attempts that say nothing about the entry, because its Provider fails as often otherwise
 */
export function settlementOf(
  { id, leaseId, attempts }: Pick<ClaimedEntry, 'id' | 'leaseId' | 'attempts'>,
  outcome: DeliveryOutcome,
  random: number,
  byChance = 0,
): Settlement {
  switch (outcome.status) {
    case 'delivered':
      return { id, leaseId, outcome: 'delivered' };
    case 'rejected':
      return { id, leaseId, outcome: 'dead-letter', error: outcome.error };
    case 'retryable': {
      const delayMs = retryDelayMs(outcome, Math.max(1, attempts + 1 - byChance), random);
      return { id, leaseId, outcome: 'retry', delayMs, error: outcome.error };
    }
  }
}
