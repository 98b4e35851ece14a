import type { NamespacedName } from '../flux/object-ref.ts';
import type { EntrySummary } from './entry.ts';
import type { EntryFilter } from './inspection.ts';

export interface Replay {
  /** How long to try the entries from now on, in milliseconds. */
  readonly maxAgeMs: number;
  /**
   * True: map the entries again from their Flux events. Entries of kind `forward` have nothing to map and stay as they
   * are.
   */
  readonly remap: boolean;
}

/** The port for dead letters. Rejects with `FCE_STORE_UNAVAILABLE` when the store cannot do it now. */
export interface DeadLetters {
  /** Queues the selected dead letters and delivered entries again, at their old places. @returns how many */
  replay(filter: EntryFilter, replay: Replay): Promise<number>;
  /** Removes the dead letters that the filter selects. @returns how many */
  discard(filter: EntryFilter): Promise<number>;
  /** Makes every undelivered entry of a Provider a dead letter. @returns how many */
  abandon(provider: NamespacedName, error: string): Promise<number>;
  /**
   * Turns entries that expired at least `graceMs` ago into dead letters, unless they are under lease. Each call handles
   * a bounded number.
   */
  expire(graceMs: number): Promise<readonly EntrySummary[]>;
}
