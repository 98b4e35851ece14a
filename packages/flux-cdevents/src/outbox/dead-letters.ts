import type { NamespacedName } from '../flux/object-ref.ts';
import type { EntrySummary } from './entry.ts';
import type { EntryFilter } from './inspection.ts';

export interface Replay {
  /** How long the entries are tried from now on, in milliseconds. */
  readonly maxAgeMs: number;
  /** True: they are mapped anew from their Flux event. Entries of kind `forward` have nothing to map and stay as they are. */
  readonly remap: boolean;
}

/** The port for what was set aside. Rejects with `FCE_STORE_UNAVAILABLE` when the store cannot do it now. */
export interface DeadLetters {
  /** Queues the dead letters and delivered entries that the filter selects once more, at their old places. @returns how many */
  replay(filter: EntryFilter, replay: Replay): Promise<number>;
  /** Removes the dead letters that the filter selects. @returns how many */
  discard(filter: EntryFilter): Promise<number>;
  /** Makes every undelivered entry of a Provider a dead letter. @returns how many */
  abandon(provider: NamespacedName, error: string): Promise<number>;
  /** Makes entries that expired more than `graceMs` ago and are not under lease dead letters, a bounded number a call. */
  expire(graceMs: number): Promise<readonly EntrySummary[]>;
}
