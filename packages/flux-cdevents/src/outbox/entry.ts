import type { NamespacedName } from '../flux/object-ref.ts';

/**
 * What an entry carries to its Provider: a CDEvent, a Flux event with merged metadata, or the body of a request that is
 * passed on to a notification-controller unchanged.
 */
export type EntryKind = 'cdevent' | 'flux' | 'forward';

/**
 * The life of an entry. One that cannot be mapped yet, since its Provider is not valid, waits in its place in the queue.
 *
 *     commit ──► waiting ──claim, commit in its place──► pending
 *     commit ──► pending ──claim──► delivering ──► delivered
 *                   ▲                   │
 *                   ├──── retry after ──┤
 *                   ├──── lease ended ──┤
 *                   └──── replay ──── dead-letter ──discard──► gone
 *
 * `delivering` is `pending` or `waiting` under a lease. Of the entries of one ordering key only the first that is neither
 * delivered nor a dead letter can be claimed.
 */
export type EntryState = 'waiting' | 'pending' | 'delivering' | 'delivered' | 'dead-letter';

export const ENTRY_STATES: readonly EntryState[] = ['waiting', 'pending', 'delivering', 'delivered', 'dead-letter'];

/** What an accepted event puts into the outbox. The texts are opaque to the store. */
export interface NewEntry {
  /** `<CDEvent id>.<8 hexadecimal digits of the Provider>`: the same event for the same Provider has the same id. */
  readonly id: string;
  readonly provider: NamespacedName;
  readonly alert: NamespacedName;
  /** Entries with the same key are delivered one at a time, in the order of commit. Absent: no order is kept. */
  readonly orderingKey?: string;
  /** `cdevent` for an entry that waits to be mapped, too. */
  readonly kind: EntryKind;
  /** The event type of a CDEvent: `dev.cdevents.service.deployed.0.2.0`. Absent for other kinds, and until there is one. */
  readonly type?: string;
  /** The Flux object that the event is about: `HelmRelease/apps/podinfo`. */
  readonly object: string;
  readonly reason: string;
  /** How long the entry is tried, in milliseconds from its commit; after that it becomes a dead letter. */
  readonly maxAgeMs: number;
  /** The Flux event and what else is needed to map it anew, as JSON. Absent for `forward`, whose message is the event. */
  readonly source?: string;
  /** What is sent: the CDEvent or the Flux event as JSON, or the body as it came. Absent: the entry waits to be mapped. */
  readonly message?: string;
  /** CloudEvents extension `partitionkey`: the uid of the involved object. */
  readonly partitionKey?: string;
  /** Given for an entry that is a dead letter from the start: why. */
  readonly deadLetter?: string;
}

/** What a list shows of an entry: all but its texts. Instants are the store's, in epoch milliseconds. */
export interface EntrySummary extends Omit<NewEntry, 'maxAgeMs' | 'source' | 'message' | 'deadLetter'> {
  readonly state: EntryState;
  /** Attempts that ended, whatever they came to. */
  readonly attempts: number;
  /** When it was committed. */
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** When the next attempt is due, while it is neither delivered nor a dead letter. */
  readonly dueAt?: number;
  /** When it was delivered or became a dead letter. */
  readonly settledAt?: number;
  /** What the last failed attempt came to. No secret in it. */
  readonly lastError?: string;
}

/** An entry as it lies in the store. */
export interface OutboxEntry extends EntrySummary, Pick<NewEntry, 'source' | 'message'> {}

/** An entry handed out to be mapped or delivered. */
export interface ClaimedEntry extends OutboxEntry {
  /** Names this lease; a settlement has to show it. */
  readonly leaseId: string;
  /** How long ago it was accepted, by the store's clock, in milliseconds. */
  readonly ageMs: number;
}

/** What people read for an entry that has no event type yet, in lists, log lines and metrics. */
export const UNMAPPED = 'unmapped';

/** The event type of an entry, or the word for one that has none: its kind, `unmapped` until a CDEvent is mapped. */
export const typeLabelOf = ({ type, kind }: Pick<NewEntry, 'type' | 'kind'>): string =>
  type ?? (kind === 'cdevent' ? UNMAPPED : kind);
