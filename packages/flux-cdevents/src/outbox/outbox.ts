import type { NamespacedName } from '../flux/object-ref.ts';
import type { ClaimedEntry, EntryState, NewEntry, OutboxEntry } from './entry.ts';

/** What is remembered about an object, as the mapping wrote it: opaque JSON here. Version 0: nothing yet. */
export interface Recalled {
  readonly version: number;
  readonly memory?: string;
}

/** All that one accepted event causes. It is committed whole, or not at all. */
export interface Commit {
  /** `objectKey` of the involved object. */
  readonly object: string;
  /** The version that was recalled; another one by now is a conflict. */
  readonly expect: number;
  /** What to remember from now on. Absent: unchanged. */
  readonly remember?: string;
  readonly entries: readonly NewEntry[];
  /** While a mark with this key has not expired, the event is a duplicate. */
  readonly mark?: { readonly key: string; readonly expiresAt: number };
  /** Epoch ms. */
  readonly at: number;
}

/**
 * What a commit came to. `duplicate`: its mark stands, or every one of its entries is in the store already; nothing
 * changed. `conflict`: the object's memory changed since it was recalled; nothing changed, map again.
 */
export type Receipt =
  | { readonly status: 'stored' }
  | { readonly status: 'duplicate'; readonly retryAfterMs: number }
  | { readonly status: 'conflict' };

export interface ClaimRequest {
  /** At most so many entries in all. */
  readonly limit: number;
  /** At most so many under lease for one Provider at a time, those of earlier claims included. */
  readonly perProvider: number;
  readonly leaseMs: number;
  /** `namespace/name` of Providers that get nothing now. */
  readonly except?: ReadonlySet<string>;
  /** Epoch ms. */
  readonly at: number;
}

export interface Claim {
  /** Taken from the Providers in turn, so that a long queue of one does not keep back another. */
  readonly entries: readonly ClaimedEntry[];
  /** Epoch ms at which something not handed out now falls due or a lease ends; absent when nothing is waiting. */
  readonly nextDueAt?: number;
}

/** How an attempt is written down. `release` gives an entry back untouched. */
export type Settlement = { readonly id: string; readonly leaseId: string; readonly at: number } & (
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'retry'; readonly dueAt: number; readonly error: string }
  | { readonly outcome: 'dead-letter'; readonly error: string }
  | { readonly outcome: 'release' }
);

/** Puts the mapped entries in the place of a claimed one that waited to be mapped; none at all settles it. */
export interface Expansion {
  readonly id: string;
  readonly leaseId: string;
  readonly object: string;
  readonly expect: number;
  readonly remember?: string;
  readonly entries: readonly NewEntry[];
  readonly at: number;
}

export interface EntryFilter {
  /** Full entry ids, or the start of one, such as a CDEvent id. */
  readonly ids?: readonly string[];
  readonly states?: readonly EntryState[];
  readonly provider?: NamespacedName;
  /** An event type or its start: `dev.cdevents.incident`; an event name such as `incident.detected` works too. */
  readonly type?: string;
  /** Accepted at or after, epoch ms. */
  readonly since?: number;
}

export interface EntryPage {
  /** Newest first. */
  readonly entries: readonly OutboxEntry[];
  /** Pass as `after` to read on; absent on the last page. */
  readonly next?: string;
}

/** Cheap to read, whatever the size of the queue. */
export interface ProviderStats {
  readonly provider: NamespacedName;
  readonly counts: Readonly<Record<EntryState, number>>;
  /** Epoch ms at which the oldest entry that is neither delivered nor a dead letter was accepted. */
  readonly oldestPendingAt?: number;
}

/** Until when settled entries and memories are kept. */
export interface Retention {
  readonly deliveredMs: number;
  /** At most so many delivered entries, the newest ones. */
  readonly deliveredCount: number;
  readonly deadLetterMs: number;
  /** Memories of objects that were not heard of for so long. */
  readonly memoryMs: number;
}

/** A Provider that answered 410 and gets nothing until its fingerprint changes. */
export interface ProviderStop {
  readonly provider: NamespacedName;
  readonly fingerprint: string;
  readonly reason: string;
  readonly at: number;
}

/**
 * The port to the durable store. Every method rejects with `FCE_STORE_UNAVAILABLE` when the store cannot do it now
 * (disk full, broker away); what was not answered was not done, or will be found done when it is tried again.
 */
export interface Outbox {
  recall(object: string): Promise<Recalled>;
  /** Resolves once it is durable. */
  commit(commit: Commit): Promise<Receipt>;
  claim(request: ClaimRequest): Promise<Claim>;
  /** One answer a settlement, in order: false when the lease was lost meanwhile, and then nothing changed. */
  settle(settlements: readonly Settlement[]): Promise<readonly boolean[]>;
  expand(expansion: Expansion): Promise<'expanded' | 'conflict' | 'lost'>;

  list(filter: EntryFilter, page: { readonly limit: number; readonly after?: string }): Promise<EntryPage>;
  /** Dead letters and delivered entries that the filter selects become pending and due. @returns how many */
  replay(
    filter: EntryFilter,
    options: { readonly at: number; readonly expiresAt: number; readonly remap: boolean },
  ): Promise<number>;
  /** Removes the dead letters that the filter selects. @returns how many */
  discard(filter: EntryFilter): Promise<number>;
  /** Makes every undelivered entry of a Provider a dead letter. @returns how many */
  abandon(provider: NamespacedName, error: string, at: number): Promise<number>;
  /** Makes every waiting retry of a Provider due now. */
  wake(provider: NamespacedName, at: number): Promise<void>;
  /** Makes entries past their `expiresAt` that are not under lease dead letters, a bounded number a call. */
  expire(at: number): Promise<readonly OutboxEntry[]>;
  /** Removes what retention no longer keeps, a bounded number a call. @returns how much went; 0 when all is done */
  purge(retention: Retention, at: number): Promise<number>;

  stop(stop: ProviderStop): Promise<void>;
  resume(provider: NamespacedName): Promise<void>;
  stops(): Promise<readonly ProviderStop[]>;

  stats(): Promise<readonly ProviderStats[]>;
  /** Called when something may have become claimable. @returns a function that ends the subscription */
  onReady(listener: () => void): () => void;
  /** Finishes what is under way and releases the store. */
  close(): Promise<void>;
}
