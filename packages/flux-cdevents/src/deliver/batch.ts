import type { ProviderOptions } from '../provider/provider.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';
import type { Job } from './lanes.ts';

/** A batch ends at so many events. */
export const MAX_BATCH_COUNT = 50;
/** Or at so many characters of them: about 1 MiB. */
export const MAX_BATCH_LENGTH = 1_048_576;
/** An entry that failed so often goes alone: perhaps it is the one that spoils its batches. */
const MAX_BATCHED_ATTEMPTS = 3;

/** Takes from the queue what goes out as the next request: one entry, or several in the content mode `batched`. */
export function takeBatch(queue: Job[], contentMode: ProviderOptions['contentMode']): Job[] {
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

const fitsBatch = ({ alone, entry: { kind, message, attempts } }: Job): boolean =>
  !alone && kind === 'cdevent' && message !== undefined && attempts < MAX_BATCHED_ATTEMPTS;

/** Whether a rejected batch is sent again entry by entry: one may be at fault, and the others should not suffer for it. */
export const isSplit = (count: number, outcome: DeliveryOutcome): boolean =>
  count > 1 && outcome.status === 'rejected' && !outcome.stop && outcome.code.startsWith('4');
