import type { ClaimedRow, Reads } from '../protocol.ts';
import { endLease } from './entries.ts';
import type { ProviderQueue } from './providers.ts';
import type { Store } from './store.ts';

type Details = [
  id: string,
  expiresAt: number,
  attempts: number,
  acceptedAt: number,
  lastError: string | null,
  hasMessage: 0 | 1,
];
type Candidate = [seq: number, key: number | null, dueAt: number];

/** Hands out what is due, Provider by Provider in turn. Writes nothing: a lease is in memory. */
export function claim(
  store: Store,
  [limit, perProvider, leaseMs, except, at]: Parameters<Reads['claim']>,
): ReturnType<Reads['claim']> {
  endExpiredLeases(store, at);
  const excepted = new Set(except);
  const claimed: ClaimedRow[] = [];
  while (claimed.length < limit) {
    let eligible = chooseProviders(store, { limit: limit - claimed.length, perProvider, excepted, at });
    if (eligible.length === 0) break;
    while (eligible.length > 0 && claimed.length < limit) {
      const share = Math.max(1, Math.floor((limit - claimed.length) / eligible.length));
      eligible = eligible.filter((provider) => {
        const wanted = Math.min(share, limit - claimed.length, perProvider - provider.leased);
        if (wanted <= 0) return false;
        claimed.push(...take(store, provider, wanted, { leaseMs, at }));
        return provider.nextDueAt <= at;
      });
    }
  }
  return [claimed, nextDueAt(store, { perProvider, excepted, at })];
}

/** Leases that ran out. Until a claim comes by, its holder may still settle: that spares a second delivery. */
export function endExpiredLeases(store: Store, at: number): void {
  for (let lease = store.leases.expired(at); lease; lease = store.leases.expired(at)) {
    endLease(store, lease);
    store.turns.touch(lease.provider, lease.dueAt);
  }
}

interface Limits {
  readonly perProvider: number;
  readonly excepted: ReadonlySet<string>;
  readonly at: number;
}

/** As many as can get one entry each, first in turn first. */
function chooseProviders(store: Store, { limit, perProvider, excepted, at }: Limits & { limit: number }) {
  const chosen: ProviderQueue[] = [];
  for (const provider of store.turns.due(at, perProvider)) {
    if (chosen.length >= limit) break;
    if (excepted.has(provider.name)) continue;
    if (provider.leased >= perProvider) store.turns.full(provider);
    else chosen.push(provider);
  }
  return chosen;
}

/** Puts up to so many due entries of a Provider under lease, and finds out when the next one is due. */
function take(
  store: Store,
  provider: ProviderQueue,
  wanted: number,
  { leaseMs, at }: { readonly leaseMs: number; readonly at: number },
): ClaimedRow[] {
  const taken: Candidate[] = [];
  let next = Number.POSITIVE_INFINITY;
  // The leased ones are the first of this index: what is skipped here is at most what is under lease.
  for (const candidate of store.db.each<Candidate>(
    'SELECT seq, key, due_at FROM entry WHERE provider = ? AND state = 0 ORDER BY due_at, seq',
    provider.id,
  )) {
    const [seq, key, dueAt] = candidate;
    if (store.leases.holds(seq, key)) continue;
    if (dueAt > at || taken.length === wanted) {
      next = dueAt;
      break;
    }
    taken.push(candidate);
  }
  store.turns.served(provider, next, at);
  return taken.map(([seq, key, dueAt]) => {
    const [id, expires, attempts, acceptedAt, lastError, hasMessage] = store.db.get<Details>(
      `SELECT id, expires_at, attempts, accepted_at, last_error, message IS NOT NULL
       FROM entry JOIN payload USING (seq) WHERE seq = ?`,
      seq,
    ) ?? ['', 0, 0, 0, null, 0];
    const { leaseId } = store.leases.add({ seq, id, provider, key, dueAt, expiresAt: at + leaseMs });
    return [leaseId, seq, id, expires, attempts, acceptedAt, dueAt, lastError, hasMessage];
  });
}

function nextDueAt(store: Store, { perProvider, excepted, at }: Limits): number | null {
  let next = Math.min(store.turns.nextDueAt() ?? Number.POSITIVE_INFINITY, store.leases.nextExpiry() ?? Infinity);
  for (const provider of store.turns.due(at, perProvider)) {
    if (excepted.has(provider.name)) continue;
    if (provider.leased >= perProvider) store.turns.full(provider);
    else {
      next = Math.min(next, at);
      break;
    }
  }
  return next === Number.POSITIVE_INFINITY ? null : next;
}
