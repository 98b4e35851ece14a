import { nameOf } from '../flux/object-ref.ts';
import type { ProviderStop } from '../outbox/work-queue.ts';
import type { ReadyProvider, ResolvedProvider } from '../provider/provider.ts';

/** Providers by `namespace/name`. */
export type ProviderMap = ReadonlyMap<string, ResolvedProvider>;

/** The configured Providers, and which of them receive nothing. */
export interface ConfiguredProviders {
  readonly all: ProviderMap;
  /** The number of ready Providers, including suspended and stopped ones. */
  readonly readyCount: number;
  /** The longest time limit that a ready Provider has for one attempt. */
  readonly longestTimeoutMs: number;
  /** The fingerprints of the ready Providers. */
  readonly fingerprints: ReadonlySet<string>;
  /** Replaces the configuration, and ends the stops of Providers that it changes. */
  replace(providers: ProviderMap): void;
  /** The Provider if it may receive events, otherwise undefined. */
  usable(name: string): ReadyProvider | undefined;
  /** Stops Providers for as long as they have these fingerprints. */
  addStops(stops: readonly Pick<ProviderStop, 'provider' | 'fingerprint'>[]): void;
  /** The names of Providers that receive nothing now. Their queues are kept. */
  readonly blocked: ReadonlySet<string>;
  /**
   * The names of Providers that have entries but are not configured. Either the next configuration includes them, or
   * they were deleted and the entries came after their queue was abandoned.
   */
  readonly unknown: ReadonlySet<string>;
  addUnknown(name: string): void;
  forgetUnknown(): void;
}

export function createConfiguredProviders(): ConfiguredProviders {
  let all: ProviderMap = new Map();
  let readyCount = 0;
  let longestTimeoutMs = 0;
  let fingerprints = new Set<string>();
  let blocked = new Set<string>();
  const stopped = new Map<string, string>();
  const unknown = new Set<string>();

  return {
    get all() {
      return all;
    },
    get readyCount() {
      return readyCount;
    },
    get longestTimeoutMs() {
      return longestTimeoutMs;
    },
    get fingerprints() {
      return fingerprints;
    },
    replace(next) {
      all = next;
      const ready = [...next.values()].filter((provider) => provider.status === 'ready');
      readyCount = ready.length;
      longestTimeoutMs = ready.reduce((longest, { endpoint }) => Math.max(longest, endpoint.timeoutMs), 0);
      fingerprints = new Set(ready.map(({ fingerprint }) => fingerprint));
      unknown.clear();
      for (const [name, fingerprint] of stopped) if (isStopOver(next.get(name), fingerprint)) stopped.delete(name);
      blocked = blockedProviders(next, stopped);
    },
    usable(name) {
      const provider = all.get(name);
      return provider?.status === 'ready' && !blocked.has(name) ? provider : undefined;
    },
    addStops(stops) {
      for (const { provider, fingerprint } of stops) stopped.set(nameOf(provider), fingerprint);
      blocked = blockedProviders(all, stopped);
    },
    get blocked() {
      return blocked;
    },
    unknown,
    addUnknown(name) {
      unknown.add(name);
    },
    forgetUnknown() {
      unknown.clear();
    },
  };
}

/**
 * The names of Providers that receive nothing now.
 * @param stopped the fingerprints of stopped Providers, by name
 */
function blockedProviders(providers: ProviderMap, stopped: ReadonlyMap<string, string>): Set<string> {
  const blocked = new Set<string>();
  for (const [name, provider] of providers) {
    if (provider.status !== 'ready' || provider.suspend || stopped.get(name) === provider.fingerprint) {
      blocked.add(name);
    }
  }
  return blocked;
}

/**
 * Whether a stop is over: its Provider was changed or deleted. The stop of an invalid Provider stays, because the
 * Provider may become valid again without a change.
 */
export function isStopOver(provider: ResolvedProvider | undefined, fingerprint: string): boolean {
  if (provider?.status === 'ready') return provider.fingerprint !== fingerprint;
  return provider?.status !== 'invalid';
}
