import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { OutboxEntry } from '../outbox/entry.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { maxAgeOf } from '../provider/provider-options.ts';
import { abandonedQueues, arrivedProviders, changedProviders, endedStops, type ProviderMap } from './providers.ts';
import type { Roster } from './roster.ts';
import type { StoreWatch } from './store-watch.ts';

export interface ReconcilerDeps {
  readonly outbox: Pick<Outbox, 'stops' | 'resume' | 'wake' | 'stats' | 'abandon' | 'expire' | 'replay'>;
  readonly roster: Roster;
  readonly store: StoreWatch;
  readonly now: () => number;
  readonly isOpen: () => boolean;
  /** Stops that were in the store are in the roster now. */
  readonly stopsKnown: () => void;
  readonly abandoned: (provider: NamespacedName, count: number, error: string) => void;
  readonly expired: (entry: OutboxEntry) => void;
  readonly done: () => void;
}

/** Brings what the store has in line with the configuration, and with time. */
export interface Reconciler {
  /** Resolves when it is done, or was tried and has to be called again. */
  reconcile(): Promise<void>;
  /** True until all of the configuration is in the store. */
  readonly pending: boolean;
  /** Makes entries that expired dead letters, and finds those whose Provider went away after its queue was looked at. */
  sweep(): Promise<void>;
}

/** An entry has so long for its last attempt, which is due when it expires. */
const EXPIRY_GRACE_MS = 10_000;
/**
 * `kubectl apply` brings an Alert before its Provider, and an event may come in between: it is a dead letter that was
 * never mapped, and lives again when the Provider arrives within this time.
 */
const ARRIVAL_GRACE_MS = 10 * 60_000;

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const { outbox, roster, store, now } = deps;
  /** The configuration whose changes are in the store. */
  let reconciled: ProviderMap | undefined;
  let pending = true;
  let underWay: Promise<void> = Promise.resolve();

  const reconcile = (): Promise<void> => {
    pending = true;
    underWay = underWay.then(reconcileOnce);
    return underWay;
  };

  const reconcileOnce = async () => {
    if (!pending || !deps.isOpen()) return;
    pending = false;
    try {
      const stops = await outbox.stops();
      const { providers } = roster;
      const ended = new Set(endedStops(stops, providers).map(nameOf));
      roster.addStops(stops.filter(({ provider }) => !ended.has(nameOf(provider))));
      deps.stopsKnown();
      for (const { provider } of stops) if (ended.has(nameOf(provider))) await outbox.resume(provider);
      const before = reconciled ?? providers;
      for (const provider of changedProviders(before, providers)) await outbox.wake(provider, now());
      for (const provider of arrivedProviders(before, providers)) await revive(provider);
      reconciled = providers;
      const stats = await outbox.stats();
      // by the configuration as it is by now: a Provider may have come meanwhile
      for (const { provider, error } of abandonedQueues(stats, roster.providers)) {
        deps.abandoned(provider, await outbox.abandon(provider, error, now()), error);
      }
      store.works();
      deps.done();
    } catch (thrown) {
      pending = true;
      store.failed(thrown);
    }
  };

  const revive = (provider: NamespacedName) => {
    const at = now();
    const maxAgeMs = maxAgeOf(roster.providers.get(nameOf(provider)));
    return outbox.replay(
      { provider, type: 'unmapped', states: ['dead-letter'], since: at - ARRIVAL_GRACE_MS },
      { at, expiresAt: at + maxAgeMs, remap: false },
    );
  };

  return {
    reconcile,
    get pending() {
      return pending;
    },
    async sweep() {
      if (store.broken || !deps.isOpen()) return;
      try {
        for (let more = true; more && deps.isOpen(); ) {
          const entries = await outbox.expire(now() - EXPIRY_GRACE_MS);
          for (const entry of entries) deps.expired(entry);
          more = entries.length > 0;
        }
      } catch (thrown) {
        store.failed(thrown);
      }
      if (roster.unknown.size === 0) return;
      roster.forgetUnknown();
      await reconcile();
    },
  };
}
