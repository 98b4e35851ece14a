import type { EntryState } from '../../entry.ts';
import type { EntryRow, NewEntryRow } from '../protocol.ts';
import { hashOrderingKey } from './hash.ts';
import type { Lease } from './leases.ts';
import type { ProviderQueue } from './providers.ts';
import type { Store } from './store.ts';

/**
 * The states of an entry in the file. Of the undelivered entries of one ordering key the first is READY and the others
 * are BLOCKED, always; one without a key is READY. Whether it is under lease is in the worker's memory only.
 *
 *     insert ──► READY ──► DELIVERED, DEAD_LETTER ──replay──► READY or BLOCKED
 *            └► BLOCKED ─┘ when the one before it is settled
 */
export const READY = 0;
export const BLOCKED = 1;
export const DELIVERED = 2;
export const DEAD_LETTER = 3;

/** The undelivered entry of a key that comes first. */
const headOf = (store: Store, key: number) =>
  store.db.get<[seq: number, state: number, provider: number, dueAt: number]>(
    'SELECT seq, state, provider, due_at FROM entry WHERE key = ? AND state <= 1 ORDER BY seq LIMIT 1',
    key,
  );

/** What state an undelivered entry has at a place; makes way when it comes before the first one of its key. */
function stateAt(store: Store, seq: number, key: number | null): typeof READY | typeof BLOCKED {
  const head = key === null ? undefined : headOf(store, key);
  if (head === undefined) return READY;
  const [headSeq, headState] = head;
  if (headSeq < seq) return BLOCKED;
  if (headState === READY) store.db.run('UPDATE entry SET state = 1 WHERE seq = ?', headSeq);
  if (key !== null) store.leases.displace(key);
  return READY;
}

/** After an entry left its key: the next one can be claimed. */
export function promote(store: Store, key: number | null): void {
  const head = key === null ? undefined : headOf(store, key);
  if (head === undefined) return;
  const [seq, state, provider, dueAt] = head;
  if (state === BLOCKED) store.db.run('UPDATE entry SET state = 0 WHERE seq = ?', seq);
  store.turns.touch(store.providers.byId(provider), dueAt);
}

/** @returns false when there is an entry with this id already; then nothing changes */
export function insertEntry(store: Store, row: NewEntryRow, seq: number, acceptedAt: number, at: number): boolean {
  const [id, providerName, alert, orderingKey, type, object, reason, expiresAt, source, message, partition, dead] = row;
  const { db } = store;
  if (entryExists(store, id)) return false;
  store.ids.put(id, seq);
  const provider = store.providers.intern(providerName);
  const key = orderingKey === null ? null : hashOrderingKey(orderingKey);
  const state = dead === null ? stateAt(store, seq, key) : DEAD_LETTER;
  db.run(
    `INSERT INTO entry (seq, provider, type, state, key, attempts, accepted_at, due_at, expires_at, settled_at, last_error)
     VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`,
    seq,
    provider.id,
    store.types.intern(type),
    state,
    key,
    acceptedAt,
    at,
    expiresAt,
    dead === null ? null : at,
    dead,
  );
  db.run(
    `INSERT INTO payload (seq, id, alert, ordering_key, object, reason, partition_key, source, message)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    seq,
    id,
    alert,
    orderingKey,
    object,
    reason,
    partition,
    source,
    message,
  );
  if (dead !== null) {
    store.providers.add(provider, 'deadLetters', 1);
  } else {
    store.providers.add(provider, 'undelivered', 1);
    if (state === READY) store.turns.touch(provider, at);
  }
  return true;
}

export const entryExists = (store: Store, id: string): boolean => store.ids.find(id) !== undefined;

/** Removes a settled entry, or one that others take the place of; the counts are the caller's to keep. */
export function removeEntry(store: Store, seq: number): void {
  const [id] = store.db.get<[string]>('SELECT id FROM payload WHERE seq = ?', seq) ?? [];
  if (id !== undefined) store.ids.remove(id);
  store.db.run('DELETE FROM payload WHERE seq = ?', seq);
  store.db.run('DELETE FROM entry WHERE seq = ?', seq);
}

/** Makes a settled entry pending again, at its old place. */
export function revive(
  store: Store,
  row: { readonly seq: number; readonly provider: ProviderQueue; readonly key: number | null },
  { at, expiresAt }: { readonly at: number; readonly expiresAt: number },
): void {
  const state = stateAt(store, row.seq, row.key);
  store.db.run(
    'UPDATE entry SET state = ?, attempts = 0, due_at = ?, expires_at = ?, settled_at = NULL WHERE seq = ?',
    state,
    at,
    expiresAt,
    row.seq,
  );
  if (state === READY) store.turns.touch(row.provider, at);
}

/** Why an entry ended that was not rejected, with what its last attempt came to. */
export const withLastError = (error: string, lastError: string | null): string =>
  lastError === null ? error : `${error}; last attempt: ${lastError}`;

/** Ends a lease; what waited for that can be claimed. */
export function endLease(store: Store, lease: Lease): void {
  store.leases.end(lease);
  store.turns.freed(lease.provider);
  if (lease.displaced) promote(store, lease.key);
}

type Columns = [
  id: string,
  provider: number,
  alert: string,
  orderingKey: string | null,
  type: number,
  object: string,
  reason: string,
  expiresAt: number,
  source: string,
  message: string | null,
  partitionKey: string | null,
  state: number,
  attempts: number,
  acceptedAt: number,
  dueAt: number,
  settledAt: number | null,
  lastError: string | null,
];

/** Reads a whole entry that is there. */
export function loadEntry(store: Store, seq: number): EntryRow {
  const entry = findEntry(store, seq);
  if (!entry) throw new Error(`no entry ${seq} in the store`);
  return entry;
}

/** Reads a whole entry. */
export function findEntry(store: Store, seq: number): EntryRow | undefined {
  const columns = store.db.get<Columns>(
    `SELECT id, provider, alert, ordering_key, type, object, reason, expires_at, source, message, partition_key, state,
       attempts, accepted_at, due_at, settled_at, last_error
     FROM entry JOIN payload USING (seq) WHERE seq = ?`,
    seq,
  );
  if (!columns) return undefined;
  const [id, provider, alert, key, type, object, reason, expiresAt, source, message, partition, ...rest] = columns;
  const [state, attempts, acceptedAt, dueAt, settledAt, lastError] = rest;
  return [
    id,
    store.providers.byId(provider).name,
    alert,
    key,
    store.types.name(type),
    object,
    reason,
    expiresAt,
    source,
    message,
    partition,
    publicState(store, seq, state),
    attempts,
    acceptedAt,
    state <= BLOCKED ? dueAt : null,
    settledAt,
    lastError,
  ];
}

/** The state that callers see. */
export function publicState(store: Store, seq: number, state: number): EntryState {
  if (state === DELIVERED) return 'delivered';
  if (state === DEAD_LETTER) return 'dead-letter';
  return store.leases.of(seq) ? 'delivering' : 'pending';
}
