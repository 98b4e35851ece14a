import type { EntryKind, EntryState, EntrySummary, OutboxEntry } from '../../entry.ts';
import type { NewEntryRow } from '../protocol.ts';
import { hashOrderingKey } from './hash.ts';
import type { Lease } from './leases.ts';
import { type ProviderQueue, toName } from './providers.ts';
import type { Store } from './store.ts';
import { NO_TYPE_ID } from './types.ts';

/**
 * The states of an entry in the file. Of the undelivered entries with one ordering key, the first is always READY and
 * the others are always BLOCKED. An undelivered entry without a key is READY. Leases are only in the memory of the
 * worker. An entry with a message is pending, one without is waiting.
 *
 *     insert ──► READY ──► DELIVERED, DEAD_LETTER ──replay──► READY or BLOCKED
 *            └► BLOCKED ─┘ when the entry before it is settled
 */
export const READY = 0;
const BLOCKED = 1;
export const DELIVERED = 2;
export const DEAD_LETTER = 3;

/** The file stores a kind as its index in this list. */
export const KINDS: readonly EntryKind[] = ['cdevent', 'flux', 'forward'];

/** The first undelivered entry with a key. */
const headOf = (store: Store, key: number) =>
  store.db.get<[seq: number, state: number, provider: number, dueAt: number]>(
    'SELECT seq, state, provider, due_at FROM entry WHERE key = ? AND state <= 1 ORDER BY seq LIMIT 1',
    key,
  );

/** The state of an undelivered entry at a place. If the first entry with its key comes later, blocks that entry. */
function stateAt(store: Store, seq: number, key: number | null): typeof READY | typeof BLOCKED {
  const head = key === null ? undefined : headOf(store, key);
  if (head === undefined) return READY;
  const [headSeq, headState] = head;
  if (headSeq < seq) return BLOCKED;
  if (headState === READY) store.db.run('UPDATE entry SET state = 1 WHERE seq = ?', headSeq);
  if (key !== null) store.leases.displace(key);
  return READY;
}

/** Makes the first undelivered entry with a key claimable, after the one before it was settled or removed. */
export function promote(store: Store, key: number | null): void {
  const head = key === null ? undefined : headOf(store, key);
  if (head === undefined) return;
  const [seq, state, provider, dueAt] = head;
  if (state === BLOCKED) store.db.run('UPDATE entry SET state = 0 WHERE seq = ?', seq);
  store.turns.touch(store.providers.byId(provider), dueAt);
}

/** The properties of an entry that decide which counts of its Provider include it. */
interface Countable {
  readonly state: number;
  readonly hasMessage: number;
}

/** Adds an entry to the counts of its Provider, or removes it from them. */
export function count(store: Store, provider: ProviderQueue, { state, hasMessage }: Countable, by: 1 | -1): void {
  if (state <= BLOCKED) {
    store.providers.add(provider, 'undelivered', by);
    if (!hasMessage) store.providers.add(provider, 'waiting', by);
  } else {
    store.providers.add(provider, state === DELIVERED ? 'delivered' : 'deadLetters', by);
  }
}

interface Insertion {
  readonly seq: number;
  readonly acceptedAt: number;
  readonly expiresAt: number;
  readonly at: number;
}

/** @returns false, and changes nothing, when an entry with this id already exists */
export function insertEntry(store: Store, row: NewEntryRow, { seq, acceptedAt, expiresAt, at }: Insertion): boolean {
  const [id, providerName, alert, orderingKey, kind, type, object, reason, , source, message, partition, dead] = row;
  const { db } = store;
  if (entryExists(store, id)) return false;
  store.ids.put(id, seq);
  const provider = store.providers.intern(providerName);
  const key = orderingKey === null ? null : hashOrderingKey(orderingKey);
  const state = dead === null ? stateAt(store, seq, key) : DEAD_LETTER;
  const hasMessage = message === null ? 0 : 1;
  db.run(
    `INSERT INTO entry (seq, provider, kind, type, has_message, state, key, attempts, accepted_at, due_at, expires_at,
       settled_at, last_error)
     VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`,
    seq,
    provider.id,
    KINDS.indexOf(kind),
    type === null ? NO_TYPE_ID : store.types.intern(type),
    hasMessage,
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
    source ?? '',
    message,
  );
  count(store, provider, { state, hasMessage }, 1);
  if (state === READY) store.turns.touch(provider, at);
  return true;
}

export const entryExists = (store: Store, id: string): boolean => store.ids.find(id) !== undefined;

/** Removes an entry. The caller updates the counts. */
export function removeEntry(store: Store, seq: number): void {
  const [id] = store.db.get<[string]>('SELECT id FROM payload WHERE seq = ?', seq) ?? [];
  if (id !== undefined) store.ids.remove(id);
  store.db.run('DELETE FROM payload WHERE seq = ?', seq);
  store.db.run('DELETE FROM entry WHERE seq = ?', seq);
}

/** Returns a settled entry to the queue, at its old place. */
export function revive(
  store: Store,
  row: Countable & { readonly seq: number; readonly provider: ProviderQueue; readonly key: number | null },
  { at, expiresAt, remap }: { readonly at: number; readonly expiresAt: number; readonly remap: boolean },
): void {
  const state = stateAt(store, row.seq, row.key);
  store.db.run(
    'UPDATE entry SET state = ?, attempts = 0, due_at = ?, expires_at = ?, settled_at = NULL WHERE seq = ?',
    state,
    at,
    expiresAt,
    row.seq,
  );
  if (remap) {
    store.db.run('UPDATE entry SET kind = 0, type = ?, has_message = 0 WHERE seq = ?', NO_TYPE_ID, row.seq);
    store.db.run('UPDATE payload SET message = NULL WHERE seq = ?', row.seq);
  }
  count(store, row.provider, row, -1);
  count(store, row.provider, { state, hasMessage: remap ? 0 : row.hasMessage }, 1);
  if (state === READY) store.turns.touch(row.provider, at);
}

/** Ends a lease, and makes an entry claimable that was replayed before it in the meantime. */
export function endLease(store: Store, lease: Lease): void {
  store.leases.end(lease);
  store.turns.freed(lease.provider);
  if (lease.displaced) promote(store, lease.key);
}

/** Ends the lease of a settled entry, and makes the next entry with its key claimable. */
export function settled(store: Store, lease: Lease, state: typeof DELIVERED | typeof DEAD_LETTER): void {
  const { hasMessage } = lease;
  count(store, lease.provider, { state: READY, hasMessage }, -1);
  count(store, lease.provider, { state, hasMessage }, 1);
  endLease(store, lease);
  promote(store, lease.key);
}

/** The state that callers see. */
export function publicState(store: Store, seq: number, { state, hasMessage }: Countable): EntryState {
  if (state === DELIVERED) return 'delivered';
  if (state === DEAD_LETTER) return 'dead-letter';
  if (store.leases.of(seq)) return 'delivering';
  return hasMessage ? 'pending' : 'waiting';
}

const SUMMARY_COLUMNS = `id, provider, alert, ordering_key, kind, type, object, reason, partition_key, state, has_message,
  attempts, accepted_at, expires_at, due_at, settled_at, last_error`;

type SummaryColumns = [
  id: string,
  provider: number,
  alert: string,
  orderingKey: string | null,
  kind: number,
  type: number,
  object: string,
  reason: string,
  partitionKey: string | null,
  state: number,
  hasMessage: number,
  attempts: number,
  acceptedAt: number,
  expiresAt: number,
  dueAt: number,
  settledAt: number | null,
  lastError: string | null,
];

/** Reads an existing entry without its texts. */
export function summaryOf(store: Store, seq: number): EntrySummary {
  const columns = store.db.get<SummaryColumns>(
    `SELECT ${SUMMARY_COLUMNS} FROM entry JOIN payload USING (seq) WHERE seq = ?`,
    seq,
  );
  if (!columns) throw new Error(`no entry ${seq} in the store`);
  return toSummary(store, seq, columns);
}

/** About the size of an entry without its texts. Only what comes from the event or a receiver can be long. */
export const summaryBytes = ({ id, object, orderingKey, reason, partitionKey, lastError }: EntrySummary): number =>
  [id, object, orderingKey, reason, partitionKey, lastError].reduce((sum, text) => sum + (text?.length ?? 0), 256);

/** Reads an entry with its texts. */
export function findEntry(store: Store, seq: number): OutboxEntry | undefined {
  const columns = store.db.get<[source: string | null, message: string | null, ...SummaryColumns]>(
    `SELECT nullif(source, ''), message, ${SUMMARY_COLUMNS} FROM entry JOIN payload USING (seq) WHERE seq = ?`,
    seq,
  );
  if (!columns) return undefined;
  const [source, message, ...summary] = columns;
  return {
    ...toSummary(store, seq, summary),
    ...(source !== null && { source }),
    ...(message !== null && { message }),
  };
}

function toSummary(store: Store, seq: number, columns: SummaryColumns): EntrySummary {
  const [id, provider, alert, orderingKey, kind, type, object, reason, partitionKey, state, hasMessage, ...rest] =
    columns;
  const [attempts, acceptedAt, expiresAt, dueAt, settledAt, lastError] = rest;
  return {
    id,
    provider: toName(store.providers.byId(provider).name),
    alert: toName(alert),
    ...(orderingKey !== null && { orderingKey }),
    kind: KINDS[kind] ?? 'cdevent',
    ...(type !== NO_TYPE_ID && { type: store.types.name(type) }),
    object,
    reason,
    ...(partitionKey !== null && { partitionKey }),
    state: publicState(store, seq, { state, hasMessage }),
    attempts,
    acceptedAt,
    expiresAt,
    ...(state <= BLOCKED && { dueAt }),
    ...(settledAt !== null && { settledAt }),
    ...(lastError !== null && { lastError }),
  };
}
