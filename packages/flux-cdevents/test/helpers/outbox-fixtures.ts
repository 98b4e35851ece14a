import type { ClaimedEntry, NewEntry, OutboxEntry } from '../../src/outbox/entry.ts';
import type { ClaimRequest, Commit, Settlement } from '../../src/outbox/outbox.ts';

/** When the tests begin, epoch ms. */
export const T0 = Date.UTC(2026, 0, 1);
export const MINUTE = 60_000;
export const hub = { namespace: 'flux-system', name: 'hub' };
export const other = { namespace: 'flux-system', name: 'other' };

export const anEntry = (id: string, fields: Partial<NewEntry> = {}): NewEntry => ({
  id,
  provider: hub,
  alert: { namespace: 'apps', name: 'everything' },
  type: 'dev.cdevents.service.upgraded.0.2.0',
  object: 'HelmRelease/apps/podinfo',
  reason: 'UpgradeSucceeded',
  expiresAt: T0 + 24 * 60 * MINUTE,
  source: `{"message":"source of ${id}"}`,
  message: `{"context":{"id":"${id}"}}`,
  ...fields,
});

/** An entry that waits to be mapped. */
export const anUnmapped = (id: string, { message, ...fields }: Partial<NewEntry> = {}): NewEntry => {
  const { message: _, ...entry } = anEntry(id, { type: 'unmapped', ...fields });
  return entry;
};

export const aCommit = (entries: readonly NewEntry[], fields: Partial<Commit> = {}): Commit => ({
  object: 'helm.toolkit.fluxcd.io/HelmRelease/apps/podinfo',
  expect: 0,
  entries,
  at: T0,
  ...fields,
});

export const aClaim = (fields: Partial<ClaimRequest> = {}): ClaimRequest => ({
  limit: 100,
  perProvider: 100,
  leaseMs: MINUTE,
  at: T0,
  ...fields,
});

/** How an attempt ended, without whose it was. */
export type Outcome = Settlement extends infer S
  ? S extends Settlement
    ? Omit<S, 'id' | 'leaseId' | 'at'>
    : never
  : never;
export const aSettlement = ({ id, leaseId }: ClaimedEntry, outcome: Outcome, at = T0): Settlement => ({
  id,
  leaseId,
  at,
  ...outcome,
});

export const idsOf = (entries: readonly OutboxEntry[]): string[] => entries.map(({ id }) => id);
