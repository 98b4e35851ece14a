import { nameOf } from '../../../flux/object-ref.ts';
import { expiredError } from '../../dead-letter-error.ts';
import type { ClaimRequest, Settled, Settlement } from '../../work-queue.ts';
import type { ClaimedRow } from '../protocol.ts';
import { DEAD_LETTER, DELIVERED, endLease, findEntry, settled } from './entries.ts';
import type { Lease } from './leases.ts';
import type { Operations } from './operation.ts';
import { type ProviderQueue, toName } from './providers.ts';
import type { Store } from './store.ts';

/** Entries in one step of `wake`. The other calls of the batch wait for the step. */
const WAKE_STEP = 2_000;

export const workQueue: Operations<'claim' | 'load' | 'settle' | 'wake' | 'stop' | 'resume' | 'stops'> = {
  claim: { mode: 'read', run: claim },
  load: { mode: 'read', run: (store, places) => places.map((place) => findEntry(store, place)) },
  settle: {
    mode: 'write',
    run: (store, settlements, at) => settlements.map((settlement) => settle(store, settlement, at)),
  },
  wake: {
    mode: 'write',
    run(store, name, at) {
      const provider = store.providers.find(nameOf(name));
      if (!provider) return 0;
      let woken = store.db.run(
        `UPDATE entry SET due_at = ? WHERE seq IN
           (SELECT seq FROM entry WHERE provider = ? AND state = 0 AND due_at > ? LIMIT ${WAKE_STEP})`,
        at,
        provider.id,
        at,
      );
      // A retry is blocked when an earlier entry with its key was replayed. It still has a delay of its own.
      woken += store.db.run(
        `UPDATE entry SET due_at = ? WHERE seq IN
           (SELECT seq FROM entry WHERE provider = ? AND state = 1 AND attempts > 0 AND due_at > ? LIMIT ${WAKE_STEP})`,
        at,
        provider.id,
        at,
      );
      if (woken > 0) store.turns.touch(provider, at);
      return woken;
    },
  },
  stop: {
    mode: 'write',
    run(store, { provider, fingerprint, reason }, at) {
      store.db.run(
        'INSERT OR REPLACE INTO stop (provider, fingerprint, reason, at) VALUES (?, ?, ?, ?)',
        nameOf(provider),
        fingerprint,
        reason,
        at,
      );
    },
  },
  resume: {
    mode: 'write',
    run(store, provider) {
      store.db.run('DELETE FROM stop WHERE provider = ?', nameOf(provider));
    },
  },
  stops: {
    mode: 'read',
    run: (store) =>
      store.db
        .all<[provider: string, fingerprint: string, reason: string, at: number]>(
          'SELECT provider, fingerprint, reason, at FROM stop ORDER BY provider',
        )
        .map(([provider, fingerprint, reason, stoppedAt]) => ({
          provider: toName(provider),
          fingerprint,
          reason,
          stoppedAt,
        })),
  },
};

/** Hands out due entries, taking the Providers in turn. It writes nothing, because leases are only in memory. */
function claim(
  store: Store,
  { limit, perProvider, leaseMs, except = new Set(), probe = new Set() }: ClaimRequest,
  at: number,
) {
  endExpiredLeases(store, at);
  const rows: ClaimedRow[] = [];
  for (const name of probe) {
    const provider = store.providers.find(name);
    if (!provider || provider.leased >= perProvider || rows.length >= limit) continue;
    rows.push(...take(store, provider, 1, { leaseMs, at, dueBy: Number.POSITIVE_INFINITY }));
  }
  while (rows.length < limit) {
    let eligible = chooseProviders(store, { limit: limit - rows.length, perProvider, except, at });
    if (eligible.length === 0) break;
    while (eligible.length > 0 && rows.length < limit) {
      const share = Math.max(1, Math.floor((limit - rows.length) / eligible.length));
      eligible = eligible.filter((provider) => {
        const wanted = Math.min(share, limit - rows.length, perProvider - provider.leased);
        if (wanted <= 0) return false;
        rows.push(...take(store, provider, wanted, { leaseMs, at, dueBy: at }));
        return provider.nextDueAt <= at;
      });
    }
  }
  const next = nextDueAt(store, { perProvider, except, at });
  return { rows, at, ...(next !== Number.POSITIVE_INFINITY && { nextDueInMs: Math.max(0, next - at) }) };
}

/**
 * Ends expired leases. Until this runs, the holder of an expired lease can still settle, which avoids a second
 * delivery.
 */
export function endExpiredLeases(store: Store, at: number): void {
  for (let lease = store.leases.expired(at); lease; lease = store.leases.expired(at))
    backToQueue(store, lease, lease.dueAt);
}

interface Limits {
  readonly perProvider: number;
  readonly except: ReadonlySet<string>;
  readonly at: number;
}

/** Chooses at most as many Providers as there are entries to hand out, in the order of their turns. */
function chooseProviders(store: Store, { limit, perProvider, except, at }: Limits & { readonly limit: number }) {
  const chosen: ProviderQueue[] = [];
  for (const provider of store.turns.due(at, perProvider)) {
    if (chosen.length >= limit) break;
    if (except.has(provider.name)) continue;
    if (provider.leased >= perProvider) store.turns.full(provider);
    else chosen.push(provider);
  }
  return chosen;
}

type Candidate = [seq: number, key: number | null, dueAt: number];
type Details = [
  id: string,
  hasMessage: number,
  attempts: number,
  acceptedAt: number,
  expiresAt: number,
  lastError: string | null,
];

/** Leases at most `wanted` entries of a Provider that are due by then, and finds out when its next entry is due. */
function take(
  store: Store,
  provider: ProviderQueue,
  wanted: number,
  { leaseMs, at, dueBy }: { readonly leaseMs: number; readonly at: number; readonly dueBy: number },
): ClaimedRow[] {
  const taken: Candidate[] = [];
  let next = Number.POSITIVE_INFINITY;
  // Leased entries come first in this index, so the loop skips no more entries than are under lease.
  for (const candidate of store.db.each<Candidate>(
    'SELECT seq, key, due_at FROM entry WHERE provider = ? AND state = 0 ORDER BY due_at, seq',
    provider.id,
  )) {
    const [seq, key, dueAt] = candidate;
    if (store.leases.holds(seq, key)) continue;
    if (dueAt > dueBy || taken.length === wanted) {
      next = dueAt;
      break;
    }
    taken.push(candidate);
  }
  store.turns.served(provider, next, at);
  return taken.map(([seq, key, dueAt]) => {
    const [id, hasMessage, attempts, acceptedAt, expiresAt, lastError] = store.db.get<Details>(
      `SELECT id, has_message, attempts, accepted_at, expires_at, last_error
       FROM entry JOIN payload USING (seq) WHERE seq = ?`,
      seq,
    ) ?? ['', 1, 0, 0, 0, null];
    const { leaseId } = store.leases.add({ seq, id, provider, key, hasMessage, dueAt, endsAt: at + leaseMs });
    return [leaseId, seq, id, hasMessage === 1, attempts, acceptedAt, expiresAt, dueAt, lastError];
  });
}

/** When the next entry is due or the next lease ends. Infinity when nothing is queued. */
function nextDueAt(store: Store, { perProvider, except, at }: Limits): number {
  for (const provider of store.turns.due(at, perProvider)) {
    if (except.has(provider.name)) continue;
    if (provider.leased >= perProvider) store.turns.full(provider);
    else return at;
  }
  return Math.min(
    store.turns.nextDueAt() ?? Number.POSITIVE_INFINITY,
    store.leases.nextEnd() ?? Number.POSITIVE_INFINITY,
  );
}

function settle(store: Store, settlement: Settlement, at: number): Settled {
  const lease = store.leases.find(settlement.leaseId, settlement.id);
  if (!lease) return { state: 'lost' };
  switch (settlement.outcome) {
    case 'delivered':
      store.db.run('UPDATE entry SET state = 2, attempts = attempts + 1, settled_at = ? WHERE seq = ?', at, lease.seq);
      settled(store, lease, DELIVERED);
      return { state: 'delivered' };
    case 'dead-letter':
      return bury(store, lease, settlement.error, at);
    case 'retry':
      return retry(store, lease, settlement, at);
    case 'release':
      backToQueue(store, lease, lease.dueAt);
      return { state: 'queued' };
  }
}

function retry(
  store: Store,
  lease: Lease,
  { delayMs, error }: Extract<Settlement, { outcome: 'retry' }>,
  at: number,
): Settled {
  const [attempts, expiresAt] = store.db.get<[number, number]>(
    'SELECT attempts, expires_at FROM entry WHERE seq = ?',
    lease.seq,
  ) ?? [0, at];
  if (expiresAt <= at) return bury(store, lease, expiredError(attempts + 1, error), at);
  const dueAt = Math.min(at + delayMs, expiresAt);
  store.db.run(
    'UPDATE entry SET attempts = attempts + 1, due_at = ?, last_error = ? WHERE seq = ?',
    dueAt,
    error,
    lease.seq,
  );
  backToQueue(store, lease, dueAt);
  return { state: 'queued' };
}

function bury(store: Store, lease: Lease, error: string, at: number): Settled {
  store.db.run(
    'UPDATE entry SET state = 3, attempts = attempts + 1, settled_at = ?, last_error = ? WHERE seq = ?',
    at,
    error,
    lease.seq,
  );
  settled(store, lease, DEAD_LETTER);
  return { state: 'dead-letter', error };
}

function backToQueue(store: Store, lease: Lease, dueAt: number): void {
  endLease(store, lease);
  store.turns.touch(lease.provider, dueAt);
}
