import type { NewEntry } from './entry.ts';

/** What is remembered about an object, as the mapping wrote it: opaque JSON here. Version 0: nothing yet. */
export interface Recalled {
  readonly version: number;
  readonly memory?: string;
}

/** All that one accepted event causes. It is committed whole, or not at all. */
export interface Commit {
  /** `objectKey` of the involved object. */
  readonly object: string;
  /** The version that was recalled; if the store has another one by now, the commit is a conflict. */
  readonly expect: number;
  /** What to remember from now on. Absent: unchanged. */
  readonly remember?: string;
  readonly entries: readonly NewEntry[];
  /** For so many milliseconds another event with this key is a duplicate. */
  readonly mark?: { readonly key: string; readonly ttlMs: number };
  /**
   * A claimed entry whose place the entries take, together with its acceptance and its expiry; with no entries it counts
   * as delivered. Entries that are in the store already stay as they are.
   */
  readonly replaces?: { readonly id: string; readonly leaseId: string };
}

/**
 * What a commit came to; only `stored` changed anything. `duplicate`: the mark stands, or every one of its entries is in
 * the store already. `conflict`: the object's memory changed since it was recalled, so map again. `lost`: the lease of
 * the entry to replace ended meanwhile.
 */
export type Receipt =
  | { readonly status: 'stored' }
  | { readonly status: 'duplicate'; readonly retryAfterMs: number }
  | { readonly status: 'conflict' }
  | { readonly status: 'lost' };

/** The port for what accepted events cause. Rejects with `FCE_STORE_UNAVAILABLE` when the store cannot do it now. */
export interface EventStore {
  recall(object: string): Promise<Recalled>;
  /** Resolves once it is durable. */
  commit(commit: Commit): Promise<Receipt>;
}
