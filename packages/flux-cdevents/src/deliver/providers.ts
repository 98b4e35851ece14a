import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { ProviderStats, ProviderStop } from '../outbox/outbox.ts';
import type { ResolvedProvider } from '../provider/provider.ts';

export type ProviderMap = ReadonlyMap<string, ResolvedProvider>;

/** Providers that get nothing now, by `namespace/name`; what waits for them is kept. */
export function blockedProviders(providers: ProviderMap, stopped: ReadonlyMap<string, string>): Set<string> {
  const blocked = new Set<string>();
  for (const [name, provider] of providers) {
    if (provider.status !== 'ready' || provider.suspend || stopped.get(name) === provider.fingerprint) {
      blocked.add(name);
    }
  }
  return blocked;
}

/** Providers that are ready in another form than before: their entries need not wait for what was wrong then. */
export const changedProviders = (before: ProviderMap, after: ProviderMap): NamespacedName[] =>
  [...after]
    .filter(([name, provider]) => {
      const old = before.get(name);
      if (!old || provider.status !== 'ready') return false;
      return old.status !== 'ready' || old.fingerprint !== provider.fingerprint;
    })
    .map(([, { ref }]) => ref);

/** Providers that were not there before: events that came a moment too early for them need not stay dead letters. */
export const arrivedProviders = (before: ProviderMap, after: ProviderMap): NamespacedName[] =>
  [...after].filter(([name, { status }]) => status !== 'foreign' && !before.has(name)).map(([, { ref }]) => ref);

/** Stops that have lasted long enough: the Provider is another one now, or is gone. */
export const endedStops = (stops: readonly ProviderStop[], providers: ProviderMap): NamespacedName[] =>
  stops
    .filter(({ provider, fingerprint }) => {
      const now = providers.get(nameOf(provider));
      return (
        now === undefined || now.status === 'foreign' || (now.status === 'ready' && now.fingerprint !== fingerprint)
      );
    })
    .map(({ provider }) => provider);

/** Queues that nobody will ever work on, and why. */
export function abandonedQueues(
  stats: readonly ProviderStats[],
  providers: ProviderMap,
): { readonly provider: NamespacedName; readonly error: string }[] {
  const abandoned = [];
  for (const { provider, counts } of stats) {
    if (counts.pending + counts.delivering === 0) continue;
    const name = nameOf(provider);
    const now = providers.get(name);
    if (now === undefined) abandoned.push({ provider, error: `Provider ${name} was deleted` });
    else if (now.status === 'foreign') {
      abandoned.push({ provider, error: `Provider ${name} was changed to type ${now.type}` });
    }
  }
  return abandoned;
}
