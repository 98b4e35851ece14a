import { type NamespacedName, nameOf } from '../flux/object-ref.ts';

/**
 * What an entry carries to its Provider: a CDEvent, a Flux event with merged metadata, or the body of a request that is
 * passed on to a notification-controller unchanged.
 */
export type EntryKind = 'cdevent' | 'flux' | 'forward';

/**
 * The life of an entry. An entry that cannot be mapped yet, because its Provider is not valid, waits at its place in
 * the queue.
 *
 *     commit ──► waiting ──claim, commit in its place──► pending
 *     commit ──► pending ──claim──► delivering ──► delivered
 *                   ▲                   │
 *                   ├──── retry after ──┤
 *                   ├──── lease ended ──┤
 *                   └──── replay ──── dead-letter ──discard──► gone
 *
 * `delivering` is `pending` or `waiting` under a lease. Of the entries with one ordering key, only the first
 * undelivered one can be claimed.
 */
export type EntryState = 'waiting' | 'pending' | 'delivering' | 'delivered' | 'dead-letter';

export const ENTRY_STATES: readonly EntryState[] = ['waiting', 'pending', 'delivering', 'delivered', 'dead-letter'];

/** An entry that an accepted event adds to the outbox. The store does not interpret its texts. */
export interface NewEntry {
  /** `<CDEvent id>.<8 hexadecimal digits of the Provider>`: the same event for the same Provider has the same id. */
  readonly id: string;
  readonly provider: NamespacedName;
  readonly alert: NamespacedName;
  /** Entries with the same key are delivered one at a time, in the order of commit. Absent: in any order. */
  readonly orderingKey?: string;
  /** Also `cdevent` while the entry waits to be mapped. */
  readonly kind: EntryKind;
  /**
   * The event type of a CDEvent: `dev.cdevents.service.deployed.0.2.0`. Absent for other kinds, and while the entry
   * waits to be mapped.
   */
  readonly type?: string;
  /** The Flux object that the event is about: `HelmRelease/apps/podinfo`. */
  readonly object: string;
  readonly reason: string;
  /** How long to try the entry, in milliseconds from its commit. After that it becomes a dead letter. */
  readonly maxAgeMs: number;
  /**
   * The Flux event and everything else needed to map it again, as JSON. Absent for `forward`, whose message is the
   * event.
   */
  readonly source?: string;
  /**
   * The text to send: the CDEvent or Flux event as JSON, or the unchanged request body. Absent: the entry waits to be
   * mapped.
   */
  readonly message?: string;
  /** CloudEvents extension `partitionkey`: the uid of the involved object. */
  readonly partitionKey?: string;
  /** The reason why the entry is a dead letter from the start. */
  readonly deadLetter?: string;
}

/** An entry without its texts, as lists show it. Instants come from the store's clock, in epoch milliseconds. */
export interface EntrySummary extends Omit<NewEntry, 'maxAgeMs' | 'source' | 'message' | 'deadLetter'> {
  readonly state: EntryState;
  /** Attempts that ended, successful or not. */
  readonly attempts: number;
  /** When it was committed. */
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** When the next attempt is due. Absent once the entry is delivered or a dead letter. */
  readonly dueAt?: number;
  /** When it was delivered or became a dead letter. */
  readonly settledAt?: number;
  /** The error of the last failed attempt. Contains no secret. */
  readonly lastError?: string;
}

/** An entry with its texts. */
export interface OutboxEntry extends EntrySummary, Pick<NewEntry, 'source' | 'message'> {}

/** An entry handed out to be mapped or delivered. */
export interface ClaimedEntry extends OutboxEntry {
  /** Identifies this lease. A settlement must name it. */
  readonly leaseId: string;
  /** How long ago it was accepted, by the store's clock, in milliseconds. */
  readonly ageMs: number;
  /** The size of its texts in UTF-8. */
  readonly bytes: number;
}

/** The type that lists, log lines and metrics show for an entry that has no event type yet. */
export const UNMAPPED = 'unmapped';

/** The event type of an entry. Without one: `unmapped` for a CDEvent that is not mapped yet, otherwise the kind. */
export const typeLabelOf = ({ type, kind }: Pick<NewEntry, 'type' | 'kind'>): string =>
  type ?? (kind === 'cdevent' ? UNMAPPED : kind);

/** The fields that identify an entry in a log line. */
export const logFieldsOf = (
  entry: Pick<NewEntry, 'id' | 'provider' | 'alert' | 'type' | 'kind' | 'object' | 'reason'>,
) => ({
  provider: nameOf(entry.provider),
  alert: nameOf(entry.alert),
  id: entry.id,
  type: typeLabelOf(entry),
  object: entry.object,
  reason: entry.reason,
});
