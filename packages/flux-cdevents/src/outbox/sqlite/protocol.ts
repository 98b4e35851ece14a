import type { FluxCDEventsErrorCode } from '../../errors.ts';
import type { NamespacedName } from '../../flux/object-ref.ts';
import type { Replay } from '../dead-letters.ts';
import type { EntryKind, EntrySummary, OutboxEntry } from '../entry.ts';
import type { Commit, Receipt } from '../event-store.ts';
import type { EntryFilter } from '../inspection.ts';
import type { Outbox } from '../outbox.ts';
import type { ClaimRequest } from '../work-queue.ts';

/*
 * The messages between the main thread and the worker. This is the only file that both import. A call is the name of a
 * method and one argument. Most calls are methods of the ports; `OwnCalls` has the calls that differ from them.
 */

type Methods = Omit<Outbox, 'onReady' | 'failed' | 'refusing' | 'close'>;

/** The call of a method with one parameter or none. A method with more needs a call of its own in `OwnCalls`. */
type CallOf<N extends keyof Methods> =
  Parameters<Methods[N]> extends readonly [] | readonly [unknown]
    ? (...argument: Parameters<Methods[N]>) => Awaited<ReturnType<Methods[N]>>
    : never;

/** The result of one bounded step of a call that changes many entries, and where the next step begins. */
export interface BulkStep {
  readonly count: number;
  /** Absent after the last step. */
  readonly next?: number;
}

interface OwnCalls {
  commit(commit: Omit<Commit, 'entries'> & { readonly entries: readonly NewEntryRow[] }): CommitAnswer;
  claim(request: ClaimRequest): {
    readonly rows: readonly ClaimedRow[];
    readonly nextDueInMs?: number;
    /** The instant of the claim, epoch ms. */
    readonly at: number;
  };
  /** The entries at these places; `undefined` for an entry that was removed. */
  load(places: readonly number[]): readonly (OutboxEntry | undefined)[];
  list(page: {
    readonly filter: EntryFilter;
    readonly limit: number;
    /** The maximum size of the texts. The first entry may be larger. */
    readonly maxBytes: number;
    readonly before: number;
  }): {
    readonly rows: readonly { readonly place: number; readonly entry: EntrySummary }[];
    /** The size of the texts in `rows`. */
    readonly bytes: number;
    /** The place of the last examined entry. Absent when there are no more entries. */
    readonly next?: number;
  };
  replay(step: { readonly filter: EntryFilter; readonly replay: Replay; readonly after: number }): BulkStep;
  discard(step: { readonly filter: EntryFilter; readonly after: number }): BulkStep;
  /** @returns how many; 0 when there are no more */
  abandon(step: { readonly provider: NamespacedName; readonly error: string }): number;
  /** @returns how many; 0 when there are no more */
  wake(provider: NamespacedName): number;
}

export type Calls = { readonly [N in Exclude<keyof Methods, keyof OwnCalls>]: CallOf<N> } & OwnCalls;
export type CallName = keyof Calls;
export type ArgumentOf<N extends CallName> = Parameters<Calls[N]>[0];
export type AnswerOf<N extends CallName> = ReturnType<Calls[N]>;

/**
 * A `NewEntry`. Entries and claims are passed between the threads as flat tuples: they are most of the copied data, and
 * tuples of strings and numbers are the cheapest to copy. A Provider or an Alert is written as `namespace/name`.
 */
export type NewEntryRow = readonly [
  id: string,
  provider: string,
  alert: string,
  orderingKey: string | null,
  kind: EntryKind,
  type: string | null,
  object: string,
  reason: string,
  maxAgeMs: number,
  source: string | null,
  message: string | null,
  partitionKey: string | null,
  deadLetter: string | null,
];

/** A claimed entry without its texts, which may be in the cache of the main thread. */
export type ClaimedRow = readonly [
  leaseId: string,
  place: number,
  id: string,
  hasMessage: boolean,
  attempts: number,
  acceptedAt: number,
  expiresAt: number,
  dueAt: number,
  lastError: string | null,
  bytes: number,
];

export type CommitAnswer =
  | {
      readonly status: 'stored';
      /** The new version of the memory; absent when it did not change. */
      readonly version?: number;
      /** The place of each entry; 0 for an entry that was already in the store. */
      readonly places: readonly number[];
    }
  | Exclude<Receipt, { readonly status: 'stored' }>;

/** One call: its name and its argument. */
export type Call = readonly [name: CallName, argument: unknown];

export interface Batch {
  /** The instant of all calls of the batch, epoch ms. */
  readonly at: number;
  /** Answered before the writes, so they see only committed data. */
  readonly reads: readonly Call[];
  /** Run in one transaction. */
  readonly writes: readonly Call[];
}

/** Why a call, or the whole store, failed. A failure without a code means that the call was invalid. */
export interface Failure {
  readonly code?: FluxCDEventsErrorCode;
  readonly message: string;
  /** True for an event that was refused because there is no room for it. */
  readonly noRoom?: true;
}

export interface WorkerOptions {
  readonly path: string;
  /** The instant of the opening, epoch ms. */
  readonly at: number;
  readonly maxBytes?: number;
}

export type WorkerMessage =
  | { readonly kind: 'opened'; readonly undelivered: number; readonly reads: ReadonlySet<CallName> }
  /** The store could not be opened, or it cannot go on. Nothing more is answered. */
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** The answers to the reads or writes of the current batch, in order. Failures are keyed by index. */
  | {
      readonly kind: 'reads' | 'writes';
      readonly answers: readonly unknown[];
      readonly failures?: ReadonlyMap<number, Failure>;
      /** True when an entry may have become claimable, or is due earlier than the last claim said. */
      readonly ready: boolean;
    }
  /** There is no room for events any more, or there is room again. */
  | { readonly kind: 'room'; readonly full: string | undefined };
