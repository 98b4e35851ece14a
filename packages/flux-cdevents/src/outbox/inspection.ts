import type { NamespacedName } from '../flux/object-ref.ts';
import type { EntryKind, EntryState, EntrySummary, OutboxEntry } from './entry.ts';

export interface EntryFilter {
  /** Full entry ids, or the start of one, such as a CDEvent id. */
  readonly ids?: readonly string[];
  readonly states?: readonly EntryState[];
  readonly kinds?: readonly EntryKind[];
  readonly provider?: NamespacedName;
  /** Event types that start with one of these. */
  readonly types?: readonly string[];
  /** False: only entries that were never mapped. */
  readonly mapped?: boolean;
  /** Accepted at or after, epoch ms. */
  readonly since?: number;
}

export interface EntryPage {
  /** Newest first. */
  readonly entries: readonly EntrySummary[];
  /** Pass as `after` to read on; absent on the last page. */
  readonly next?: string;
}

/** Cheap to read, whatever the size of the queue. */
export interface ProviderStats {
  readonly provider: NamespacedName;
  readonly counts: Readonly<Record<EntryState, number>>;
  /** How long ago the oldest entry was accepted that is neither delivered nor a dead letter, in milliseconds. */
  readonly oldestAgeMs?: number;
}

/** The port for looking at what the store has. Rejects with `FCE_STORE_UNAVAILABLE` when the store cannot do it now. */
export interface Inspection {
  list(filter: EntryFilter, page: { readonly limit: number; readonly after?: string }): Promise<EntryPage>;
  /** The entry with this id, with its texts. */
  show(id: string): Promise<OutboxEntry | undefined>;
  stats(): Promise<readonly ProviderStats[]>;
}
