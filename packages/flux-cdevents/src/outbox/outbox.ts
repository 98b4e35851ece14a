import type { DeadLetters } from './dead-letters.ts';
import type { EventStore } from './event-store.ts';
import type { Inspection } from './inspection.ts';
import type { WorkQueue } from './work-queue.ts';

/** How long settled entries and memories are kept. */
export interface Retention {
  readonly deliveredMs: number;
  /** At most so many delivered entries, the newest ones. */
  readonly deliveredCount: number;
  readonly deadLetterMs: number;
  /** Memories of objects of which no event came for so long. */
  readonly memoryMs: number;
}

/**
 * A durable store, as a process opens it: the four ports and what keeps it tidy. Its clock is the one clock: callers
 * pass durations, and instants come from the store.
 */
export interface Outbox extends EventStore, WorkQueue, Inspection, DeadLetters {
  /** Removes what retention no longer keeps, a bounded number a call. @returns how much went; 0 when all is done */
  purge(retention: Retention): Promise<number>;
  /** Finishes what is under way and releases the store. */
  close(): Promise<void>;
}
