import type { NamespacedName } from '../flux/object-ref.ts';
import type { ClaimedEntry } from '../outbox/entry.ts';
import type { ReadyProvider } from '../provider/provider.ts';
import { type Health, healthy } from './health.ts';

/** A claimed entry that is not settled yet. */
export interface Job {
  readonly entry: ClaimedEntry;
  /** Epoch ms. */
  readonly leaseEndsAt: number;
  /** True after a batch that it was in was rejected. */
  single: boolean;
}

/** What is at work for one Provider. */
export interface Lane {
  readonly name: string;
  readonly ref: NamespacedName;
  /** Absent while it gets nothing. */
  provider: ReadyProvider | undefined;
  /** Claimed, and waiting for a free place in flight. */
  queue: Job[];
  /** Requests in flight, and entries being mapped. */
  sending: number;
  /** Entries under lease: queued, in flight, or being settled. */
  held: number;
  health: Health;
}

export const createLane = (name: string, ref: NamespacedName, provider: ReadyProvider | undefined): Lane => ({
  name,
  ref,
  provider,
  queue: [],
  sending: 0,
  held: 0,
  health: healthy,
});

/** A batch ends at so many events. */
export const MAX_BATCH_COUNT = 50;
/** Or at so many characters of them: about 1 MiB. */
export const MAX_BATCH_LENGTH = 1_048_576;
/** An entry that failed so often goes alone: perhaps it is the one that spoils its batches. */
const MAX_BATCHED_ATTEMPTS = 3;

/** Takes from the queue what goes out as the next request: one entry, or several for the content mode `batched`. */
export function takeNext({ queue, provider }: Pick<Lane, 'queue' | 'provider'>): Job[] {
  const first = queue.shift();
  if (!first) return [];
  if (provider?.options.contentMode !== 'batched' || !fitsBatch(first)) return [first];
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

const fitsBatch = ({ single, entry }: Job): boolean =>
  !single && entry.message !== undefined && entry.type !== RAW_TYPE && entry.attempts < MAX_BATCHED_ATTEMPTS;

/** The type of entries that carry a Flux event as it came. */
export const RAW_TYPE = 'flux';
