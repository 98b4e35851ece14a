import { nameOf } from '../../../flux/object-ref.ts';
import { expiredError } from '../../dead-letter-error.ts';
import type { ClaimRequest, Settled, Settlement } from '../../work-queue.ts';
import type { ClaimedRow } from '../protocol.ts';
import { DEAD_LETTER, DELIVERED, endLease, findEntry, settled } from './entries.ts';
import type { Lease } from './leases.ts';
import type { Operations } from './operation.ts';
import { type ProviderQueue, toName } from './providers.ts';
import type { Store } from './store.ts';
import type { LeaseLimits } from './turns.ts';

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
function claim(store: Store, request: ClaimRequest, at: number) {
  const { limit, perProvider, leaseMs, except = new Set(), probe = new Set() } = request;
  const { maxBytes = Number.POSITIVE_INFINITY, perProviderBytes = Number.POSITIVE_INFINITY } = request;
  const limits: LeaseLimits = { perProvider, perProviderBytes };
  endExpiredLeases(store, at);
  const rows: ClaimedRow[] = [];
  let bytesLeft = maxBytes;
  for (const name of probe) {
    const provider = store.providers.find(name);
    if (!provider || isFull(provider, limits) || rows.length >= limit) continue;
    // A probe goes out whatever its size.
    const portion = { wanted: 1, bytesLeft, isFirst: true, limits, leaseMs, at, dueBy: Number.POSITIVE_INFINITY };
    const taken = take(store, provider, portion);
    rows.push(...taken.rows);
    bytesLeft = taken.bytesLeft;
  }
  while (rows.length < limit && bytesLeft > 0) {
    let eligible = chooseProviders(store, { limit: limit - rows.length, limits, except, at });
    if (eligible.length === 0) break;
    while (eligible.length > 0 && rows.length < limit && bytesLeft > 0) {
      const share = Math.max(1, Math.floor((limit - rows.length) / eligible.length));
      eligible = eligible.filter((provider) => {
        const wanted = Math.min(share, limit - rows.length, limits.perProvider - provider.leased);
        if (wanted <= 0 || isFull(provider, limits)) return false;
        const portion = { wanted, bytesLeft, isFirst: rows.length === 0, limits, leaseMs, at, dueBy: at };
        const taken = take(store, provider, portion);
        rows.push(...taken.rows);
        bytesLeft = taken.bytesLeft;
        return !taken.isFull && provider.nextDueAt <= at;
      });
    }
  }
  const next = nextDueAt(store, { limits, except, at });
  return { rows, at, ...(next !== Number.POSITIVE_INFINITY && { nextDueInMs: Math.max(0, next - at) }) };
}

const isFull = ({ leased, leasedBytes }: ProviderQueue, { perProvider, perProviderBytes }: LeaseLimits): boolean =>
  leased >= perProvider || (leased > 0 && leasedBytes >= perProviderBytes);

/**
 * Ends expired leases. Until this runs, the holder of an expired lease can still settle, which avoids a second
 * delivery.
 */
export function endExpiredLeases(store: Store, at: number): void {
  for (let lease = store.leases.expired(at); lease; lease = store.leases.expired(at))
    backToQueue(store, lease, lease.dueAt);
}

interface Limits {
  readonly limits: LeaseLimits;
  readonly except: ReadonlySet<string>;
  readonly at: number;
}

/** Chooses at most as many Providers as there are entries to hand out, in the order of their turns. */
function chooseProviders(store: Store, { limit, limits, except, at }: Limits & { readonly limit: number }) {
  const chosen: ProviderQueue[] = [];
  for (const provider of store.turns.due(at, limits)) {
    if (chosen.length >= limit) break;
    if (except.has(provider.name)) continue;
    if (isFull(provider, limits)) store.turns.full(provider);
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
  bytes: number,
];

interface Portion {
  readonly wanted: number;
  readonly bytesLeft: number;
  /** Whether nothing was handed out yet: then an entry is, whatever its size. */
  readonly isFirst: boolean;
  readonly limits: LeaseLimits;
  readonly leaseMs: number;
  readonly at: number;
  readonly dueBy: number;
}

/** Leases at most `wanted` entries of a Provider that are due by then, and finds out when its next entry is due. */
function take(store: Store, provider: ProviderQueue, portion: Portion) {
  const { wanted, isFirst, limits, leaseMs, at, dueBy } = portion;
  const rows: ClaimedRow[] = [];
  let { bytesLeft } = portion;
  let next = Number.POSITIVE_INFINITY;
  // Leased entries come first in this index, so the loop skips no more entries than are under lease.
  for (const [seq, key, dueAt] of store.db.each<Candidate>(
    'SELECT seq, key, due_at FROM entry WHERE provider = ? AND state = 0 ORDER BY due_at, seq',
    provider.id,
  )) {
    if (store.leases.holds(seq, key)) continue;
    next = dueAt;
    if (dueAt > dueBy || rows.length === wanted) break;
    const [id, hasMessage, attempts, acceptedAt, expiresAt, lastError, bytes] = detailsOf(store, seq);
    const fits = bytes <= bytesLeft || (isFirst && rows.length === 0);
    const fitsProvider = provider.leased === 0 || provider.leasedBytes + bytes <= limits.perProviderBytes;
    if (!fits || !fitsProvider) {
      if (fits) store.turns.full(provider);
      else bytesLeft = 0;
      return { rows, bytesLeft, isFull: true };
    }
    const lease = store.leases.add({ seq, id, provider, key, hasMessage, bytes, dueAt, endsAt: at + leaseMs });
    bytesLeft -= bytes;
    rows.push([lease.leaseId, seq, id, hasMessage === 1, attempts, acceptedAt, expiresAt, dueAt, lastError, bytes]);
    next = Number.POSITIVE_INFINITY;
  }
  store.turns.served(provider, next, at);
  return { rows, bytesLeft, isFull: false };
}

/** Reads no text: SQLite knows the length of a value without loading it. */
const detailsOf = (store: Store, seq: number): Details =>
  store.db.get<Details>(
    `SELECT id, has_message, attempts, accepted_at, expires_at, last_error,
       octet_length(source) + ifnull(octet_length(message), 0)
     FROM entry JOIN payload USING (seq) WHERE seq = ?`,
    seq,
  ) ?? ['', 1, 0, 0, 0, null, 0];

/** When the next entry is due or the next lease ends. Infinity when nothing is queued. */
function nextDueAt(store: Store, { limits, except, at }: Limits): number {
  for (const provider of store.turns.due(at, limits)) {
    if (except.has(provider.name)) continue;
    if (isFull(provider, limits)) store.turns.full(provider);
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
