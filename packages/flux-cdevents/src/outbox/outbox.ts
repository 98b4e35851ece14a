import type { FluxCDEventsError } from '../errors.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { EventStore } from './event-store.ts';
import type { Inspection } from './inspection.ts';
import type { WorkQueue } from './work-queue.ts';

/** How long settled entries and memories are kept. */
export interface Retention {
  readonly deliveredMs: number;
  /** How many delivered entries are kept; the oldest are removed first. */
  readonly deliveredCount: number;
  readonly deadLetterMs: number;
  /** How long the memory of an object is kept after its last event. */
  readonly memoryMs: number;
}

/**
 * A durable store, as a process opens it: the four ports, and its maintenance. Only the clock of the store counts:
 * callers pass durations, and the store returns instants.
 */
export interface Outbox extends EventStore, WorkQueue, Inspection, DeadLetters {
  /**
   * Resolves when the store cannot go on and only a restart helps: `FCE_STORE_CORRUPT`, or `FCE_STORE_FAILED`. The
   * message says what to do. From then on every call rejects with `FCE_STORE_UNAVAILABLE`.
   */
  readonly failed: Promise<FluxCDEventsError>;
  /**
   * Why the store takes no events now, such as a disk that is full. Undefined when it takes them. What is stored can be
   * claimed and settled all the same, if that is possible at all. Contains no secret.
   */
  refusing(): string | undefined;
  /**
   * Removes what `retention` no longer keeps. Each call removes a bounded number.
   * @returns how many; 0 when nothing is left to remove
   */
  purge(retention: Retention): Promise<number>;
  /** Finishes the calls in progress and releases the store. */
  close(): Promise<void>;
}
