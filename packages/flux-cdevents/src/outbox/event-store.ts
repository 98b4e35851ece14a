import type { NewEntry } from './entry.ts';

/**
 * The memory of an object: JSON that the mapping wrote and the store does not interpret. Version 0: there is none yet.
 */
export interface Recalled {
  readonly version: number;
  readonly memory?: string;
}

/** Everything that one accepted event causes. It is committed as a whole or not at all. */
export interface Commit {
  /** `objectKey` of the involved object. */
  readonly object: string;
  /** The recalled version. If the store has another version by now, the commit is a conflict. */
  readonly expect: number;
  /** The new memory. Absent: the memory stays unchanged. */
  readonly remember?: string;
  readonly entries: readonly NewEntry[];
  /** Another event with this key is a duplicate for `ttlMs` milliseconds. */
  readonly mark?: { readonly key: string; readonly ttlMs: number };
  /**
   * A claimed entry that the entries replace. They inherit its place, acceptance and expiry. Without entries it counts
   * as delivered. Entries that are already in the store stay as they are.
   */
  readonly replaces?: { readonly id: string; readonly leaseId: string };
}

/**
 * The result of a commit. Only `stored` changes anything. `duplicate`: the mark is still valid, or all entries are
 * already in the store. `conflict`: the memory of the object changed since it was recalled, so the caller maps again.
 * `lost`: the lease of the entry to replace has ended.
 */
export type Receipt =
  | { readonly status: 'stored' }
  | { readonly status: 'duplicate'; readonly retryAfterMs: number }
  | { readonly status: 'conflict' }
  | { readonly status: 'lost' };

/** The port for accepted events. Rejects with `FCE_STORE_UNAVAILABLE` when the store cannot do it now. */
export interface EventStore {
  recall(object: string): Promise<Recalled>;
  /** Resolves once the commit is durable. */
  commit(commit: Commit): Promise<Receipt>;
}
