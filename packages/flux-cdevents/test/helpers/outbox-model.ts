import type { ClaimedEntry, EntryState, NewEntry } from '../../src/outbox/entry.ts';
import type { Claim, ClaimRequest, EntryFilter, Expansion, Settlement } from '../../src/outbox/outbox.ts';

/** An entry as far as a model needs it. */
export interface ModelEntry {
  readonly entry: NewEntry;
  state: Exclude<EntryState, 'delivering'>;
  type: string;
  attempts: number;
  dueAt: number;
  expiresAt: number;
  lastError: string | undefined;
  lease: { readonly leaseId: string; readonly expiresAt: number } | undefined;
}

const withLastError = (error: string, { lastError }: ModelEntry): string =>
  lastError === undefined ? error : `${error}; last attempt: ${lastError}`;

/** An outbox as simple as it can be: a list in the order of commit, searched from the start. */
export function createModel() {
  let entries: ModelEntry[] = [];

  const fresh = (entry: NewEntry, at: number): ModelEntry => ({
    entry,
    state: entry.deadLetter === undefined ? 'pending' : 'dead-letter',
    type: entry.type,
    attempts: 0,
    dueAt: at,
    expiresAt: entry.expiresAt,
    lastError: entry.deadLetter,
    lease: undefined,
  });
  const has = (id: string): boolean => entries.some(({ entry }) => entry.id === id);
  const leased = (id: string, leaseId: string) =>
    entries.find((one) => one.entry.id === id && one.lease?.leaseId === leaseId);
  const endLeases = (at: number): void => {
    for (const one of entries) if (one.lease && one.lease.expiresAt <= at) one.lease = undefined;
  };
  const selects = ({ ids, states }: EntryFilter, { entry, state }: ModelEntry): boolean =>
    (ids === undefined || ids.some((start) => entry.id.startsWith(start))) &&
    (states === undefined || states.includes(state));
  /** What may be handed out, now or when it falls due. */
  const waiting = ({ perProvider, except }: ClaimRequest): ModelEntry[] =>
    entries.filter((one) => {
      const { orderingKey, provider } = one.entry;
      if (one.state !== 'pending' || one.lease || except?.has(`${provider.namespace}/${provider.name}`)) return false;
      const ofKey = entries.filter(({ entry, state }) => entry.orderingKey === orderingKey && state === 'pending');
      if (orderingKey !== undefined && (ofKey[0] !== one || ofKey.some(({ lease }) => lease))) return false;
      return leasesOf(provider.name) < perProvider;
    });
  const leasesOf = (provider: string): number =>
    entries.filter(({ entry, lease }) => lease && entry.provider.name === provider).length;

  return {
    get entries(): readonly ModelEntry[] {
      return entries;
    },
    commit(added: readonly NewEntry[], at: number): 'stored' | 'duplicate' {
      if (added.length > 0 && added.every(({ id }) => has(id))) return 'duplicate';
      for (const entry of added) if (!has(entry.id)) entries.push(fresh(entry, at));
      return 'stored';
    },
    /** Takes over what was handed out, after it has looked whether that was right. @returns what was wrong */
    claimed(request: ClaimRequest, { entries: handedOut, nextDueAt }: Claim): string | undefined {
      endLeases(request.at);
      for (const claimed of handedOut) {
        const one = waiting(request).find(({ entry, dueAt }) => entry.id === claimed.id && dueAt <= request.at);
        if (!one) return `${claimed.id} could not be claimed`;
        one.lease = { leaseId: claimed.leaseId, expiresAt: request.at + request.leaseMs };
      }
      const left = waiting(request);
      const due = left.find(({ dueAt }) => dueAt <= request.at);
      if (due && handedOut.length < request.limit) return `${due.entry.id} was not handed out`;
      const next = Math.min(
        ...left.map(({ dueAt }) => Math.max(dueAt, request.at)),
        ...entries.flatMap(({ lease }) => lease?.expiresAt ?? []),
      );
      if ((nextDueAt ?? Number.POSITIVE_INFINITY) > next) return `next due at ${nextDueAt}, expected ${next}`;
      return undefined;
    },
    settle(settlement: Settlement): boolean {
      const one = leased(settlement.id, settlement.leaseId);
      if (!one) return false;
      one.lease = undefined;
      if (settlement.outcome === 'release') return true;
      one.attempts++;
      if (settlement.outcome === 'retry') one.dueAt = settlement.dueAt;
      else one.state = settlement.outcome;
      if (settlement.outcome !== 'delivered') one.lastError = settlement.error;
      return true;
    },
    expand({ id, leaseId, entries: mapped, at }: Omit<Expansion, 'object' | 'expect'>): 'expanded' | 'lost' {
      const one = leased(id, leaseId);
      if (!one) return 'lost';
      one.lease = undefined;
      if (mapped.length === 0) {
        one.state = 'delivered';
        return 'expanded';
      }
      const place = entries.indexOf(one);
      entries.splice(place, 1);
      entries.splice(place, 0, ...mapped.filter((entry) => !has(entry.id)).map((entry) => fresh(entry, at)));
      return 'expanded';
    },
    replay(filter: EntryFilter, { at, expiresAt, remap }: { at: number; expiresAt: number; remap: boolean }): number {
      const selected = entries.filter((one) => one.state !== 'pending' && selects(filter, one));
      for (const one of selected) {
        Object.assign(one, { state: 'pending', attempts: 0, dueAt: at, expiresAt });
        if (remap) one.type = 'unmapped';
      }
      return selected.length;
    },
    discard(filter: EntryFilter): number {
      const before = entries.length;
      entries = entries.filter((one) => one.state !== 'dead-letter' || !selects(filter, one));
      return before - entries.length;
    },
    abandon(provider: string, error: string): number {
      const given = entries.filter(({ entry, state }) => entry.provider.name === provider && state === 'pending');
      for (const one of given) {
        Object.assign(one, { state: 'dead-letter', lease: undefined, lastError: withLastError(error, one) });
      }
      return given.length;
    },
    wake(provider: string, at: number): void {
      for (const one of entries) {
        if (one.entry.provider.name === provider && one.state === 'pending') one.dueAt = Math.min(one.dueAt, at);
      }
    },
    expire(at: number): string[] {
      endLeases(at);
      const expired = entries.filter(({ state, lease, expiresAt }) => state === 'pending' && !lease && expiresAt <= at);
      for (const one of expired) {
        one.lastError = withLastError('not delivered within its max-age', one);
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
  state: one.lease ? 'delivering' : one.state,
  type: one.type,
  attempts: one.attempts,
  dueAt: one.state === 'pending' ? one.dueAt : undefined,
  lastError: one.lastError,
});
export const factsOf = ({
  id,
  state,
  type,
  attempts,
  dueAt,
  lastError,
}: Pick<ClaimedEntry, 'id' | 'state' | 'type' | 'attempts' | 'dueAt' | 'lastError'>) => ({
  id,
  state,
  type,
  attempts,
  dueAt,
  lastError,
});
