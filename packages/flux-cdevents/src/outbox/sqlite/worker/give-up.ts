import type { EntryRow, Writes } from '../protocol.ts';
import { endExpiredLeases } from './claim.ts';
import { endLease, loadEntry, promote, withLastError } from './entries.ts';
import type { Store } from './store.ts';

/** Entries a step: what else is in the batch waits for them. */
const STEP = 500;

type Row = [seq: number, provider: number, key: number | null, lastError: string | null];

/** Makes undelivered entries of a Provider dead letters. @returns how many; 0 when there are no more */
export function abandon(store: Store, [providerName, error, at]: Parameters<Writes['abandon']>): number {
  const provider = store.providers.find(providerName);
  if (!provider) return 0;
  const rows = store.db.all<Row>(
    `SELECT seq, provider, key, last_error FROM entry WHERE provider = ? AND state <= 1 ORDER BY seq LIMIT ${STEP}`,
    provider.id,
  );
  for (const [seq] of rows) {
    const lease = store.leases.of(seq);
    if (lease) endLease(store, lease);
  }
  giveUp(store, rows, error, at);
  return rows.length;
}

/** Makes entries past their time that are not under lease dead letters. */
export function expire(store: Store, at: number): readonly EntryRow[] {
  endExpiredLeases(store, at);
  const rows: Row[] = [];
  for (const row of store.db.each<Row>(
    'SELECT seq, provider, key, last_error FROM entry WHERE state <= 1 AND expires_at <= ? ORDER BY expires_at',
    at,
  )) {
    if (!store.leases.of(row[0])) rows.push(row);
    if (rows.length === STEP) break;
  }
  giveUp(store, rows, 'not delivered within its max-age', at);
  return rows.map(([seq]) => loadEntry(store, seq));
}

function giveUp(store: Store, rows: readonly Row[], error: string, at: number): void {
  const keys = new Set<number>();
  for (const [seq, providerId, key, lastError] of rows) {
    store.db.run(
      'UPDATE entry SET state = 3, settled_at = ?, last_error = ? WHERE seq = ?',
      at,
      withLastError(error, lastError),
      seq,
    );
    const provider = store.providers.byId(providerId);
    store.providers.add(provider, 'undelivered', -1);
    store.providers.add(provider, 'deadLetters', 1);
    if (key !== null) keys.add(key);
  }
  for (const key of keys) promote(store, key);
}
