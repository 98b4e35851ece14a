import type { ProviderOptions } from '../provider/provider.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';
import type { Lease } from './lanes.ts';

/** The maximum number of events in a batch. */
export const MAX_BATCH_COUNT = 50;
/** The maximum total length of a batch, in characters: about 1 MiB. */
export const MAX_BATCH_LENGTH = 1_048_576;
/** An entry that has failed this often is sent alone, because it may be what makes its batches fail. */
const MAX_BATCHED_ATTEMPTS = 3;

/** Takes the entries of the next request from the queue: one, or several in the content mode `batched`. */
export function takeBatch(queue: Lease[], contentMode: ProviderOptions['contentMode']): Lease[] {
  const first = queue.shift();
  if (!first) return [];
  if (contentMode !== 'batched' || !fitsBatch(first)) return [first];
  const batch = [first];
  let length = first.entry.message?.length ?? 0;
  for (let next = queue[0]; next && batch.length < MAX_BATCH_COUNT && fitsBatch(next); next = queue[0]) {
    length += next.entry.message?.length ?? 0;
    if (length > MAX_BATCH_LENGTH) break;
    batch.push(next);
    queue.shift();
  }
  return batch;
}

const fitsBatch = ({ alone, entry: { kind, message, attempts } }: Lease): boolean =>
  !alone && kind === 'cdevent' && message !== undefined && attempts < MAX_BATCHED_ATTEMPTS;

/** Whether to send a rejected batch again entry by entry, so that one bad entry does not affect the others. */
export const isSplit = (count: number, outcome: DeliveryOutcome): boolean =>
  count > 1 && outcome.status === 'rejected' && !outcome.stop && outcome.code.startsWith('4');
