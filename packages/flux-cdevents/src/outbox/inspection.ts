import type { NamespacedName } from '../flux/object-ref.ts';
import type { EntryKind, EntryState, EntrySummary, OutboxEntry } from './entry.ts';

export interface EntryFilter {
  /** Entry ids or prefixes of them, such as CDEvent ids. */
  readonly ids?: readonly string[];
  readonly states?: readonly EntryState[];
  readonly kinds?: readonly EntryKind[];
  readonly provider?: NamespacedName;
  /** Prefixes of event types. */
  readonly types?: readonly string[];
  /** False: only entries that were never mapped. */
  readonly mapped?: boolean;
  /** Accepted at or after this instant, epoch ms. */
  readonly since?: number;
}

export interface EntryPage {
  /** Newest first. */
  readonly entries: readonly EntrySummary[];
  /**
   * Pass this as `after` to get the next page. Absent on the last page. A page whose texts are long has fewer entries
   * than its limit, but at least one.
   */
  readonly next?: string;
}

/** The counts of one Provider. The cost of reading them does not grow with the queue. */
export interface ProviderStats {
  readonly provider: NamespacedName;
  readonly counts: Readonly<Record<EntryState, number>>;
  /** How long ago the oldest undelivered entry was accepted, in milliseconds. Absent when there is none. */
  readonly oldestAgeMs?: number;
}

/** The port for looking into the store. Rejects with `FCE_STORE_UNAVAILABLE` when the store cannot do it now. */
export interface Inspection {
  list(filter: EntryFilter, page: { readonly limit: number; readonly after?: string }): Promise<EntryPage>;
  /** The entry with this id, with its texts. */
  show(id: string): Promise<OutboxEntry | undefined>;
  stats(): Promise<readonly ProviderStats[]>;
}
