import type { ClaimedEntry, EntrySummary, NewEntry } from '../entry.ts';
import type { Commit } from '../event-store.ts';
import type { ClaimRequest, Settlement } from '../work-queue.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const hub = { namespace: 'flux-system', name: 'hub' };
export const other = { namespace: 'flux-system', name: 'other' };

export const anEntry = (id: string, fields: Partial<NewEntry> = {}): NewEntry => ({
  id,
  provider: hub,
  alert: { namespace: 'apps', name: 'everything' },
  kind: 'cdevent',
  type: 'dev.cdevents.service.upgraded.0.2.0',
  object: 'HelmRelease/apps/podinfo',
  reason: 'UpgradeSucceeded',
  maxAgeMs: 24 * HOUR,
  source: `{"message":"source of ${id}"}`,
  message: `{"context":{"id":"${id}"}}`,
  ...fields,
});

/** An entry that waits to be mapped. */
export const anUnmapped = (id: string, fields: Partial<NewEntry> = {}): NewEntry => {
  const { type: _, message: __, ...entry } = anEntry(id, fields);
  return entry;
};

export const aCommit = (entries: readonly NewEntry[], fields: Partial<Commit> = {}): Commit => ({
  object: 'helm.toolkit.fluxcd.io/HelmRelease/apps/podinfo',
  expect: 0,
  entries,
  ...fields,
});

export const aClaim = (fields: Partial<ClaimRequest> = {}): ClaimRequest => ({
  limit: 100,
  perProvider: 100,
  leaseMs: MINUTE,
  ...fields,
});

/** How an attempt ended, without whose it was. */
export type Outcome = Settlement extends infer S ? (S extends Settlement ? Omit<S, 'id' | 'leaseId'> : never) : never;

export const aSettlement = ({ id, leaseId }: Pick<ClaimedEntry, 'id' | 'leaseId'>, outcome: Outcome): Settlement => ({
  id,
  leaseId,
  ...outcome,
});

export const idsOf = (entries: readonly Pick<EntrySummary, 'id'>[]): string[] => entries.map(({ id }) => id);
export const sorted = (texts: readonly string[]): string[] => [...texts].sort();
