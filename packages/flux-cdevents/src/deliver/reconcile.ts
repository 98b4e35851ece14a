import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { ProviderStats } from '../outbox/inspection.ts';
import type { ProviderStop } from '../outbox/work-queue.ts';
import { isStopOver, type ProviderMap } from './configured-providers.ts';

/** What the store must do after the configuration changed. */
export interface ProviderChanges {
  /** Stops that stay in force. */
  readonly stopped: readonly ProviderStop[];
  /** Providers whose stop is over. */
  readonly resumed: readonly NamespacedName[];
  /** Ready Providers that were changed. Their retries become due now, because the change may have fixed the failure. */
  readonly changed: readonly NamespacedName[];
  /** New Providers. Events that arrived shortly before them are dead letters, and are queued again. */
  readonly arrived: readonly NamespacedName[];
}

/**
 * Compares a configuration with the previous one.
 * @param stops all stops in the store
 * @param complete whether a Provider that is not in `after` does not exist
 */
export function providerChanges(
  before: ProviderMap,
  after: ProviderMap,
  stops: readonly ProviderStop[],
  complete: boolean,
): ProviderChanges {
  const isOver = ({ provider, fingerprint }: ProviderStop) => {
    const now = after.get(nameOf(provider));
    return (now !== undefined || complete) && isStopOver(now, fingerprint);
  };
  const changed: NamespacedName[] = [];
  const arrived: NamespacedName[] = [];
  for (const [name, provider] of after) {
    const old = before.get(name);
    if (!old && provider.status !== 'foreign') arrived.push(provider.ref);
    if (!old || provider.status !== 'ready') continue;
    if (old.status !== 'ready' || old.fingerprint !== provider.fingerprint) changed.push(provider.ref);
  }
  return {
    stopped: stops.filter((stop) => !isOver(stop)),
    resumed: stops.filter(isOver).map(({ provider }) => provider),
    changed,
    arrived,
  };
}

/**
 * The queues that will never be delivered, and the reasons.
 * @param complete whether a Provider that is not in `providers` does not exist
 */
export function abandonedQueues(
  stats: readonly ProviderStats[],
  providers: ProviderMap,
  complete: boolean,
): { readonly provider: NamespacedName; readonly error: string }[] {
  const abandoned = [];
  for (const { provider, counts } of stats) {
    if (counts.waiting + counts.pending + counts.delivering === 0) continue;
    const name = nameOf(provider);
    const now = providers.get(name);
    if (now === undefined) {
      if (complete) abandoned.push({ provider, error: `Provider ${name} was deleted` });
    } else if (now.status === 'foreign') {
      abandoned.push({ provider, error: `Provider ${name} was changed to type ${now.type}` });
    }
  }
  return abandoned;
}
