import { nameOf } from '../flux/object-ref.ts';
import type { ProviderStop } from '../outbox/work-queue.ts';
import type { ReadyProvider, ResolvedProvider } from '../provider/provider.ts';

/** By `namespace/name`. */
export type ProviderMap = ReadonlyMap<string, ResolvedProvider>;

/** The Providers as they are configured now, and which of them get nothing. */
export interface ConfiguredProviders {
  readonly all: ProviderMap;
  /** How many are ready, suspended and stopped ones included. */
  readonly readyCount: number;
  /** The longest of their time limits for one attempt. */
  readonly longestTimeoutMs: number;
  /** The fingerprints of those that are ready. */
  readonly fingerprints: ReadonlySet<string>;
  /** Takes another configuration. Stops of Providers that it changes end. */
  replace(providers: ProviderMap): void;
  /** The Provider, unless it gets nothing now. */
  usable(name: string): ReadyProvider | undefined;
  /** Stops Providers as long as they have these fingerprints. */
  addStops(stops: readonly Pick<ProviderStop, 'provider' | 'fingerprint'>[]): void;
  /** Names of those that get nothing now: what waits for them is kept. */
  readonly blocked: ReadonlySet<string>;
  /**
   * Names that have entries and are in no configuration yet. They come with the next one, or were deleted after their
   * queue was looked at.
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
 * Names of Providers that get nothing now.
 * @param stopped the fingerprints that stops are for, by name
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
 * Whether a stop has lasted long enough: its Provider is another one now, or is gone. One that is invalid for a while may
 * come back as it was.
 */
export function isStopOver(provider: ResolvedProvider | undefined, fingerprint: string): boolean {
  if (provider?.status === 'ready') return provider.fingerprint !== fingerprint;
  return provider?.status !== 'invalid';
}
