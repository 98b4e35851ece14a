import type { FluxCDEventsErrorCode } from '../../errors.ts';
import type { EntryState } from '../entry.ts';
import type { Retention } from '../outbox.ts';

/*
 * What the two threads say to each other. Rows are flat tuples of texts and numbers, which cost least to copy; a
 * Provider or an Alert is its `namespace/name`.
 */

/** A `NewEntry`. */
export type NewEntryRow = readonly [
  id: string,
  provider: string,
  alert: string,
  orderingKey: string | null,
  type: string,
  object: string,
  reason: string,
  expiresAt: number,
  source: string,
  message: string | null,
  partitionKey: string | null,
  deadLetter: string | null,
];

/** An `OutboxEntry`. */
export type EntryRow = readonly [
  id: string,
  provider: string,
  alert: string,
  orderingKey: string | null,
  type: string,
  object: string,
  reason: string,
  expiresAt: number,
  source: string,
  message: string | null,
  partitionKey: string | null,
  state: EntryState,
  attempts: number,
  acceptedAt: number,
  dueAt: number | null,
  settledAt: number | null,
  lastError: string | null,
];

/** A claimed entry without its texts, which the main thread may still have. */
export type ClaimedRow = readonly [
  leaseId: string,
  seq: number,
  id: string,
  expiresAt: number,
  attempts: number,
  acceptedAt: number,
  dueAt: number,
  lastError: string | null,
  hasMessage: 0 | 1,
];

/** A `Settlement`. */
export type SettlementRow = readonly [
  id: string,
  leaseId: string,
  at: number,
  outcome: 'delivered' | 'retry' | 'dead-letter' | 'release',
  dueAt: number,
  error: string | null,
];

/**
 * With `stored`: the new version of the memory, 0 when it did not change, and the place of each entry, 0 for one that
 * the store had already. With `duplicate`: `retryAfterMs`.
 */
export type CommitAnswer = readonly [
  status: 'stored' | 'duplicate' | 'conflict',
  value: number,
  places: readonly number[],
];

export type StatsRow = readonly [
  provider: string,
  pending: number,
  delivering: number,
  delivered: number,
  deadLetters: number,
  oldestPendingAt: number | null,
];

export type StopRow = readonly [provider: string, fingerprint: string, reason: string, at: number];

/** An `EntryFilter`. */
export interface FilterMessage {
  readonly ids?: readonly string[];
  readonly states?: readonly EntryState[];
  readonly provider?: string;
  readonly type?: string;
  readonly since?: number;
}

/** Work on many entries is done in steps of bounded size; `next` is where to go on, null when all is done. */
export type Step<T> = readonly [result: T, next: number | null];

/** What writes nothing. Answered before the writes of the same batch, so it sees what is committed. */
export interface Reads {
  recall(object: string): readonly [version: number, memory: string | null];
  claim(
    limit: number,
    perProvider: number,
    leaseMs: number,
    except: readonly string[],
    at: number,
  ): readonly [entries: readonly ClaimedRow[], nextDueAt: number | null];
  /** The entries at these places, null where there is none any more. */
  load(seqs: readonly number[]): readonly (EntryRow | null)[];
  list(
    filter: FilterMessage,
    limit: number,
    before: number,
  ): Step<readonly (readonly [seq: number, entry: EntryRow])[]>;
  stops(): readonly StopRow[];
  stats(): readonly StatsRow[];
}

/** What writes. All writes of a batch are one transaction. */
export interface Writes {
  commit(
    object: string,
    expect: number,
    remember: string | null,
    entries: readonly NewEntryRow[],
    markKey: string | null,
    markExpiresAt: number,
    at: number,
  ): CommitAnswer;
  settle(settlements: readonly SettlementRow[]): readonly boolean[];
  expand(
    id: string,
    leaseId: string,
    object: string,
    expect: number,
    remember: string | null,
    entries: readonly NewEntryRow[],
    at: number,
  ): readonly [status: 'expanded' | 'conflict' | 'lost', version: number];
  replay(filter: FilterMessage, after: number, at: number, expiresAt: number, remap: boolean): Step<number>;
  discard(filter: FilterMessage, after: number): Step<number>;
  abandon(provider: string, error: string, at: number): number;
  wake(provider: string, at: number): number;
  expire(at: number): readonly EntryRow[];
  purge(retention: Retention, at: number): number;
  stop(provider: string, fingerprint: string, reason: string, at: number): void;
  resume(provider: string): void;
}

export type Operations = Reads & Writes;

/** One call: its name and its arguments. */
export type Call = readonly [name: keyof Operations, args: readonly unknown[]];

export interface Batch {
  readonly reads: readonly Call[];
  readonly writes: readonly Call[];
}

/** Why a call, or the whole store, failed. Without a code it is a mistake in the call. */
export interface Failure {
  readonly code?: FluxCDEventsErrorCode;
  readonly message: string;
}

export interface WorkerOptions {
  readonly path: string;
  readonly maxBytes?: number;
}

export type WorkerMessage =
  | { readonly kind: 'opened'; readonly undelivered: number }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** The answers to the reads or to the writes of the batch under way, in their order; failures by their index. */
  | {
      readonly kind: 'reads' | 'writes';
      readonly answers: readonly unknown[];
      readonly failures?: ReadonlyMap<number, Failure>;
      /** Something may have become claimable, or is due earlier than the last claim said. */
      readonly ready: boolean;
    }
  | { readonly kind: 'closed' };
