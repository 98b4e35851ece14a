import { type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import type { ClaimedEntry, NewEntry, OutboxEntry } from '../entry.ts';
import type { EntryFilter, Settlement } from '../outbox.ts';
import type { ClaimedRow, EntryRow, FilterMessage, NewEntryRow, SettlementRow } from './protocol.ts';

/* Between the objects of the port and the flat rows that go to the worker and come back. */

export const toNewEntryRow = (entry: NewEntry): NewEntryRow => [
  entry.id,
  nameOf(entry.provider),
  nameOf(entry.alert),
  entry.orderingKey ?? null,
  entry.type,
  entry.object,
  entry.reason,
  entry.expiresAt,
  entry.source,
  entry.message ?? null,
  entry.partitionKey ?? null,
  entry.deadLetter ?? null,
];

export const toSettlementRow = (settlement: Settlement): SettlementRow => [
  settlement.id,
  settlement.leaseId,
  settlement.at,
  settlement.outcome,
  settlement.outcome === 'retry' ? settlement.dueAt : 0,
  'error' in settlement ? settlement.error : null,
];

export const toFilterMessage = ({ provider, ...filter }: EntryFilter): FilterMessage =>
  provider ? { ...filter, provider: nameOf(provider) } : filter;

/** The store wrote the name with `nameOf`: the first slash ends the namespace. */
export function toName(name: string): NamespacedName {
  const slash = name.indexOf('/');
  return { namespace: name.slice(0, slash), name: name.slice(slash + 1) };
}

export function toEntry(row: EntryRow): OutboxEntry {
  const [id, provider, alert, orderingKey, type, object, reason, expiresAt, source, message, partitionKey, ...rest] =
    row;
  const [state, attempts, acceptedAt, dueAt, settledAt, lastError] = rest;
  return {
    id,
    provider: toName(provider),
    alert: toName(alert),
    ...(orderingKey !== null && { orderingKey }),
    type,
    object,
    reason,
    expiresAt,
    source,
    ...(message !== null && { message }),
    ...(partitionKey !== null && { partitionKey }),
    state,
    attempts,
    acceptedAt,
    ...(dueAt !== null && { dueAt }),
    ...(settledAt !== null && { settledAt }),
    ...(lastError !== null && { lastError }),
  };
}

/** @param entry as it was committed, and so without a `deadLetter` */
export function toClaimedEntry(entry: NewEntry, row: ClaimedRow): ClaimedEntry {
  const [leaseId, , , expiresAt, attempts, acceptedAt, dueAt, lastError] = row;
  return {
    ...entry,
    expiresAt,
    state: 'delivering',
    attempts,
    acceptedAt,
    dueAt,
    ...(lastError !== null && { lastError }),
    leaseId,
  };
}
