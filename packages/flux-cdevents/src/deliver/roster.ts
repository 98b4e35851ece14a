import { nameOf } from '../flux/object-ref.ts';
import type { ProviderStop } from '../outbox/outbox.ts';
import type { ReadyProvider } from '../provider/provider.ts';
import { blockedProviders, type ProviderMap } from './providers.ts';

/** The Providers as they are configured now, and which of them get nothing. By `namespace/name` throughout. */
export interface Roster {
  readonly providers: ProviderMap;
  readonly blocked: ReadonlySet<string>;
  readonly readyCount: number;
  /** The longest of the time limits for one attempt. */
  readonly longestTimeoutMs: number;
  readonly fingerprints: ReadonlySet<string>;
  replace(providers: ProviderMap): void;
  /** The Provider, unless it gets nothing now. */
  usable(name: string): ReadyProvider | undefined;
  /** Stops in force; those of Providers that have changed have no effect. */
  addStops(stops: readonly Pick<ProviderStop, 'provider' | 'fingerprint'>[]): void;
  /** It has entries, but is in no configuration yet: it is known with the next one, or was deleted. */
  addUnknown(name: string): void;
  readonly unknown: ReadonlySet<string>;
  forgetUnknown(): void;
}

export function createRoster(): Roster {
  let providers: ProviderMap = new Map();
  let ready: readonly ReadyProvider[] = [];
  let blocked = new Set<string>();
  const stopped = new Map<string, string>();
  const unknown = new Set<string>();

  return {
    get providers() {
      return providers;
    },
    get blocked() {
      return blocked;
    },
    get readyCount() {
      return ready.length;
    },
    get longestTimeoutMs() {
      return ready.reduce((longest, { endpoint }) => Math.max(longest, endpoint.timeoutMs), 0);
    },
    get fingerprints() {
      return new Set(ready.map(({ fingerprint }) => fingerprint));
    },
    replace(next) {
      providers = next;
      ready = [...next.values()].filter((provider) => provider.status === 'ready');
      unknown.clear();
      for (const [name, fingerprint] of stopped) {
        const provider = next.get(name);
        // one that is invalid for a while may come back as it was
        if (provider?.status !== 'invalid' && (provider?.status !== 'ready' || provider.fingerprint !== fingerprint)) {
          stopped.delete(name);
        }
      }
      blocked = blockedProviders(next, stopped);
    },
    usable(name) {
      const provider = providers.get(name);
      return provider?.status === 'ready' && !blocked.has(name) ? provider : undefined;
    },
    addStops(stops) {
      for (const { provider, fingerprint } of stops) stopped.set(nameOf(provider), fingerprint);
      blocked = blockedProviders(providers, stopped);
    },
    addUnknown(name) {
      unknown.add(name);
    },
    unknown,
    forgetUnknown() {
      unknown.clear();
    },
  };
}
