import type { SettlementRow } from '../protocol.ts';
import { DEAD_LETTER, DELIVERED, endLease, promote } from './entries.ts';
import type { Lease } from './leases.ts';
import type { Store } from './store.ts';

/** @returns false when the lease was lost meanwhile; then nothing changed */
export function settle(store: Store, [id, leaseId, at, outcome, dueAt, error]: SettlementRow): boolean {
  const lease = store.leases.find(leaseId, id);
  if (!lease) return false;
  switch (outcome) {
    case 'delivered':
      store.db.run('UPDATE entry SET state = 2, attempts = attempts + 1, settled_at = ? WHERE seq = ?', at, lease.seq);
      settled(store, lease, DELIVERED);
      break;
    case 'dead-letter':
      store.db.run(
        'UPDATE entry SET state = 3, attempts = attempts + 1, settled_at = ?, last_error = ? WHERE seq = ?',
        at,
        error,
        lease.seq,
      );
      settled(store, lease, DEAD_LETTER);
      break;
    case 'retry':
      store.db.run(
        'UPDATE entry SET attempts = attempts + 1, due_at = ?, last_error = ? WHERE seq = ?',
        dueAt,
        error,
        lease.seq,
      );
      pendingAgain(store, lease, dueAt);
      break;
    case 'release':
      pendingAgain(store, lease, lease.dueAt);
      break;
  }
  return true;
}

/** Ends the lease of an entry that is settled now, and lets the next one of its key through. */
export function settled(store: Store, lease: Lease, state: typeof DELIVERED | typeof DEAD_LETTER): void {
  store.providers.add(lease.provider, 'undelivered', -1);
  store.providers.add(lease.provider, state === DELIVERED ? 'delivered' : 'deadLetters', 1);
  endLease(store, lease);
  promote(store, lease.key);
}

function pendingAgain(store: Store, lease: Lease, dueAt: number): void {
  endLease(store, lease);
  store.turns.touch(lease.provider, dueAt);
}
