import type { NamespacedName } from '../flux/object-ref.ts';

/**
 * An entry is one CDEvent on its way to one Provider, or a Flux event that has still to be mapped for it.
 *
 *     commit ──► pending ──claim──► delivering ──► delivered
 *                   ▲                   │
 *                   ├──── retry at ─────┤
 *                   ├── lease ended ────┤
 *                   └──── replay ──── dead-letter ──discard──► gone
 *
 * `delivering` is `pending` under a lease. Of the entries of one ordering key only the first that is neither delivered
 * nor a dead letter can be claimed.
 */
export type EntryState = 'pending' | 'delivering' | 'delivered' | 'dead-letter';

export const ENTRY_STATES: readonly EntryState[] = ['pending', 'delivering', 'delivered', 'dead-letter'];

/** The type of an entry whose message is the body of a request, passed on to a notification-controller as it came. */
export const FORWARD_TYPE = 'forward';

/** What an accepted event puts into the outbox. The texts are opaque to the store. */
export interface NewEntry {
  /** `<CDEvent id>.<8 hexadecimal digits of the Provider>`: the same event for the same Provider has the same id. */
  readonly id: string;
  readonly provider: NamespacedName;
  readonly alert: NamespacedName;
  /** Entries with the same key are delivered one at a time, in the order of commit. Absent: no order is kept. */
  readonly orderingKey?: string;
  /** The event type: `dev.cdevents.service.deployed.0.2.0`; `flux` for a raw event; `forward`; `unmapped` when there is none yet. */
  readonly type: string;
  /** The Flux object the event is about: `HelmRelease/apps/podinfo`. */
  readonly object: string;
  readonly reason: string;
  /** Epoch ms; after it an undelivered entry becomes a dead letter. */
  readonly expiresAt: number;
  /** The Flux event and what else is needed to map it anew, as JSON. */
  readonly source: string;
  /** What is sent: the CDEvent, or the Flux event for the type `flux`, as JSON. Absent: the entry waits to be mapped. */
  readonly message?: string;
  /** CloudEvents extension `partitionkey`: the uid of the involved object. */
  readonly partitionKey?: string;
  /** Given for an entry that is a dead letter from the start: why. */
  readonly deadLetter?: string;
}

/** An entry as it lies in the store. */
export interface OutboxEntry extends Omit<NewEntry, 'deadLetter'> {
  readonly state: EntryState;
  /** Attempts that ended, whatever they came to. */
  readonly attempts: number;
  /** Epoch ms of the commit. */
  readonly acceptedAt: number;
  /** Epoch ms of the next attempt, while it is pending. */
  readonly dueAt?: number;
  /** Epoch ms at which it became delivered or a dead letter. */
  readonly settledAt?: number;
  /** What the last failed attempt came to. No secret in it. */
  readonly lastError?: string;
}

/** An entry handed out to be delivered. */
export interface ClaimedEntry extends OutboxEntry {
  /** Names this lease; a settlement has to show it. */
  readonly leaseId: string;
}
