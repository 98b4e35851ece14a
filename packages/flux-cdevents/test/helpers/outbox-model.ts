import type { Replay } from '../../src/outbox/dead-letters.ts';
import type { EntryKind, EntryState, EntrySummary, NewEntry } from '../../src/outbox/entry.ts';
import type { Commit } from '../../src/outbox/event-store.ts';
import type { EntryFilter } from '../../src/outbox/inspection.ts';
import type { Claim, ClaimRequest, Settled, Settlement } from '../../src/outbox/work-queue.ts';

/** An entry as far as a model needs it. */
export interface ModelEntry {
  readonly entry: NewEntry;
  readonly acceptedAt: number;
  state: 'queued' | 'delivered' | 'dead-letter';
  kind: EntryKind;
  type: string | undefined;
  hasMessage: boolean;
  attempts: number;
  dueAt: number;
  expiresAt: number;
  lastError: string | undefined;
  lease: { readonly leaseId: string; readonly endsAt: number } | undefined;
}

const withLastError = (error: string, { lastError }: ModelEntry): string =>
  lastError === undefined ? error : `${error}; last error: ${lastError}`;

const maxAgeError = (one: ModelEntry): string =>
  withLastError(`not delivered within its max-age, after ${one.attempts} attempt${one.attempts === 1 ? '' : 's'}`, one);

/** The state that callers see. */
const stateOf = ({ state, lease, hasMessage }: ModelEntry): EntryState => {
  if (state !== 'queued') return state;
  if (lease) return 'delivering';
  return hasMessage ? 'pending' : 'waiting';
};

/** An outbox as simple as it can be: a list in the order of commit, searched from the start. */
export function createModel() {
  let entries: ModelEntry[] = [];

  const fresh = (entry: NewEntry, at: number, replaced?: ModelEntry): ModelEntry => ({
    entry,
    acceptedAt: replaced?.acceptedAt ?? at,
    state: entry.deadLetter === undefined ? 'queued' : 'dead-letter',
    kind: entry.kind,
    type: entry.type,
    hasMessage: entry.message !== undefined,
    attempts: 0,
    dueAt: at,
    expiresAt: replaced?.expiresAt ?? at + entry.maxAgeMs,
    lastError: entry.deadLetter,
    lease: undefined,
  });
  const has = (id: string): boolean => entries.some(({ entry }) => entry.id === id);
  const leased = (id: string, leaseId: string) =>
    entries.find((one) => one.entry.id === id && one.lease?.leaseId === leaseId);
  const endLeases = (at: number): void => {
    for (const one of entries) if (one.lease && one.lease.endsAt <= at) one.lease = undefined;
  };
  const selects = ({ ids, states }: EntryFilter, one: ModelEntry): boolean =>
    (ids === undefined || ids.some((start) => one.entry.id.startsWith(start))) &&
    (states === undefined || states.includes(stateOf(one)));
  /** What may be handed out, now or when it falls due. */
  const claimable = ({ perProvider, except }: ClaimRequest): ModelEntry[] =>
    entries.filter((one) => {
      const { orderingKey, provider } = one.entry;
      if (one.state !== 'queued' || one.lease || except?.has(`${provider.namespace}/${provider.name}`)) return false;
      const ofKey = entries.filter(({ entry, state }) => entry.orderingKey === orderingKey && state === 'queued');
      if (orderingKey !== undefined && (ofKey[0] !== one || ofKey.some(({ lease }) => lease))) return false;
      return leasesOf(provider.name) < perProvider;
    });
  const leasesOf = (provider: string): number =>
    entries.filter(({ entry, lease }) => lease && entry.provider.name === provider).length;

  return {
    get entries(): readonly ModelEntry[] {
      return entries;
    },
    commit({ entries: added, replaces }: Commit, at: number): 'stored' | 'duplicate' | 'lost' {
      const replaced = replaces && leased(replaces.id, replaces.leaseId);
      if (replaces && !replaced) return 'lost';
      if (!replaced) {
        if (added.length > 0 && added.every(({ id }) => has(id))) return 'duplicate';
        for (const entry of added) if (!has(entry.id)) entries.push(fresh(entry, at));
        return 'stored';
      }
      replaced.lease = undefined;
      if (added.length === 0) {
        replaced.state = 'delivered';
        return 'stored';
      }
      const place = entries.indexOf(replaced);
      entries.splice(place, 1);
      entries.splice(place, 0, ...added.filter(({ id }) => !has(id)).map((entry) => fresh(entry, at, replaced)));
      return 'stored';
    },
    /** Takes over what was handed out, after a check that it was right. @returns what was wrong */
    claimed(request: ClaimRequest, { entries: handedOut, nextDueInMs }: Claim, at: number): string | undefined {
      endLeases(at);
      for (const claimed of handedOut) {
        const one = claimable(request).find(({ entry, dueAt }) => entry.id === claimed.id && dueAt <= at);
        if (!one) return `${claimed.id} could not be claimed`;
        if (claimed.ageMs !== at - one.acceptedAt) return `${claimed.id} is not ${claimed.ageMs} ms old`;
        if ((claimed.message !== undefined) !== one.hasMessage) return `${claimed.id} has another message`;
        one.lease = { leaseId: claimed.leaseId, endsAt: at + request.leaseMs };
      }
      const left = claimable(request);
      const due = left.find(({ dueAt }) => dueAt <= at);
      if (due && handedOut.length < request.limit) return `${due.entry.id} was not handed out`;
      const next = Math.min(
        ...left.map(({ dueAt }) => Math.max(dueAt - at, 0)),
        ...entries.flatMap(({ lease }) => (lease ? lease.endsAt - at : [])),
      );
      if ((nextDueInMs ?? Number.POSITIVE_INFINITY) > next) return `next due in ${nextDueInMs}, expected ${next}`;
      return undefined;
    },
    settle(settlement: Settlement, at: number): Settled {
      const one = leased(settlement.id, settlement.leaseId);
      if (!one) return { state: 'lost' };
      one.lease = undefined;
      if (settlement.outcome === 'release') return { state: 'queued' };
      one.attempts++;
      if (settlement.outcome === 'delivered') {
        one.state = 'delivered';
        return { state: 'delivered' };
      }
      one.lastError = settlement.error;
      if (settlement.outcome === 'retry' && at < one.expiresAt) {
        one.dueAt = Math.min(at + settlement.delayMs, one.expiresAt);
        return { state: 'queued' };
      }
      if (settlement.outcome === 'retry') one.lastError = maxAgeError(one);
      one.state = 'dead-letter';
      return { state: 'dead-letter', error: one.lastError };
    },
    replay(filter: EntryFilter, { maxAgeMs, remap }: Replay, at: number): number {
      const selected = entries.filter((one) => one.state !== 'queued' && selects(filter, one));
      for (const one of selected) {
        Object.assign(one, { state: 'queued', attempts: 0, dueAt: at, expiresAt: at + maxAgeMs });
        if (remap && one.kind !== 'forward')
          Object.assign(one, { kind: 'cdevent', type: undefined, hasMessage: false });
      }
      return selected.length;
    },
    discard(filter: EntryFilter): number {
      const before = entries.length;
      entries = entries.filter((one) => one.state !== 'dead-letter' || !selects(filter, one));
      return before - entries.length;
    },
    abandon(provider: string, error: string): number {
      const given = entries.filter(({ entry, state }) => entry.provider.name === provider && state === 'queued');
      for (const one of given) {
        Object.assign(one, { state: 'dead-letter', lease: undefined, lastError: withLastError(error, one) });
      }
      return given.length;
    },
    wake(provider: string, at: number): void {
      for (const one of entries) {
        if (one.entry.provider.name === provider && one.state === 'queued') one.dueAt = Math.min(one.dueAt, at);
      }
    },
    expire(graceMs: number, at: number): string[] {
      endLeases(at);
      const expired = entries.filter(
        ({ state, lease, expiresAt }) => state === 'queued' && !lease && expiresAt <= at - graceMs,
      );
      for (const one of expired) {
        one.lastError = maxAgeError(one);
        one.state = 'dead-letter';
      }
      return expired.map(({ entry }) => entry.id);
    },
    restart(): void {
      for (const one of entries) one.lease = undefined;
    },
  };
}

/** What a model and an outbox are compared by. */
export const facts = (one: ModelEntry) => ({
  id: one.entry.id,
  state: stateOf(one),
  kind: one.kind,
  type: one.type,
  attempts: one.attempts,
  acceptedAt: one.acceptedAt,
  expiresAt: one.expiresAt,
  dueAt: one.state === 'queued' ? one.dueAt : undefined,
  lastError: one.lastError,
});
export const factsOf = (entry: EntrySummary) => ({
  id: entry.id,
  state: entry.state,
  kind: entry.kind,
  type: entry.type,
  attempts: entry.attempts,
  acceptedAt: entry.acceptedAt,
  expiresAt: entry.expiresAt,
  dueAt: entry.dueAt,
  lastError: entry.lastError,
});
