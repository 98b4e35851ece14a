import type { ClaimedEntry } from '../outbox/entry.ts';
import type { Settlement } from '../outbox/work-queue.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';
import { retryDelayMs } from './retry-delay.ts';

/**
 * Converts the outcome of an attempt to a settlement. A retry has only a delay. The store knows when the entry expires,
 * and turns an expired entry into a dead letter.
 * @param random in [0, 1)
 */
export function settlementOf(
  { id, leaseId, attempts }: Pick<ClaimedEntry, 'id' | 'leaseId' | 'attempts'>,
  outcome: DeliveryOutcome,
  random: number,
): Settlement {
  switch (outcome.status) {
    case 'delivered':
      return { id, leaseId, outcome: 'delivered' };
    case 'rejected':
      return { id, leaseId, outcome: 'dead-letter', error: outcome.error };
    case 'retryable': {
      const delayMs = retryDelayMs(outcome, attempts + 1, random);
      return { id, leaseId, outcome: 'retry', delayMs, error: outcome.error };
    }
  }
}
