import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { ClaimedEntry } from '../outbox/entry.ts';
import type { ReadyProvider } from '../provider/provider.ts';
import type { ConfiguredProviders } from './configured-providers.ts';
import { afterChange, healthy, isDown, type ProviderHealth } from './provider-health.ts';

/** A claimed entry that is not settled yet. Instants come from the engine's monotonic clock, in ms. */
export interface Job {
  readonly entry: ClaimedEntry;
  readonly claimedAt: number;
  readonly leaseEndsAt: number;
  /** True after a batch with this entry was rejected: the entry is then sent alone. */
  alone: boolean;
}

/** The claimed entries of one Provider, and its health. */
export interface Lane {
  /** `namespace/name`. */
  readonly name: string;
  readonly ref: NamespacedName;
  /** Absent while the Provider may receive nothing. */
  readonly provider: ReadyProvider | undefined;
  readonly health: ProviderHealth;
  /** Claimed entries that wait until they may be sent. */
  readonly queue: Job[];
  /** Requests in flight, and entries being mapped. */
  readonly inFlight: number;
  /** Entries under lease: queued, in flight or being settled. */
  readonly held: number;
}

/** The lanes of all Providers with claimed entries, and their totals. */
export interface Lanes {
  /** Finds the lane of a Provider, or creates it. */
  of(provider: NamespacedName, providers: ConfiguredProviders): Lane;
  all(): Iterable<Lane>;
  /** Entries under lease. */
  readonly held: number;
  hold(lane: Lane, count: number): void;
  /** Requests in flight, and entries being mapped. */
  readonly inFlight: number;
  begin(lane: Lane): void;
  end(lane: Lane): void;
  /** @returns whether the lane begins to rest, rests longer, or no longer rests */
  setHealth(lane: Lane, health: ProviderHealth): boolean;
  /** When the first rest ends. Infinity while no lane rests. */
  nextRestEnd(): number;
  /** `namespace/name` of Providers whose lanes rest or are full. */
  closed(now: number): ReadonlySet<string>;
  /** Applies the configuration to the lanes. @returns the lanes that may receive nothing now */
  follow(providers: ConfiguredProviders): readonly Lane[];
}

/** @param capacity the maximum number of entries that one lane holds */
export function createLanes(capacity: number): Lanes {
  type MutableLane = { -readonly [K in keyof Lane]: Lane[K] };
  const lanes = new Map<string, MutableLane>();
  const resting = new Set<Lane>();
  const full = new Set<Lane>();
  let held = 0;
  let inFlight = 0;

  const setHealth = (lane: MutableLane, health: ProviderHealth): boolean => {
    const before = lane.health.restsUntil;
    lane.health = health;
    if (health.restsUntil === before) return false;
    if (isDown(health)) resting.add(lane);
    else resting.delete(lane);
    return true;
  };

  return {
    of(ref, providers) {
      const name = nameOf(ref);
      const known = lanes.get(name);
      if (known) return known;
      const lane = { name, ref, provider: providers.usable(name), health: healthy, queue: [], inFlight: 0, held: 0 };
      lanes.set(name, lane);
      return lane;
    },
    all: () => lanes.values(),
    get held() {
      return held;
    },
    hold(lane: MutableLane, count) {
      held += count;
      lane.held += count;
      if (lane.held >= capacity) full.add(lane);
      else full.delete(lane);
    },
    get inFlight() {
      return inFlight;
    },
    begin(lane: MutableLane) {
      inFlight += 1;
      lane.inFlight += 1;
    },
    end(lane: MutableLane) {
      inFlight -= 1;
      lane.inFlight -= 1;
    },
    setHealth,
    nextRestEnd() {
      let end = Number.POSITIVE_INFINITY;
      for (const { health } of resting) end = Math.min(end, health.restsUntil);
      return end;
    },
    closed(now) {
      for (const lane of resting) if (lane.health.restsUntil <= now) resting.delete(lane);
      if (resting.size + full.size === 0) return none;
      return new Set(Array.from([...resting, ...full], ({ name }) => name));
    },
    follow(providers) {
      const idle: Lane[] = [];
      for (const lane of lanes.values()) {
        const provider = providers.usable(lane.name);
        if (provider?.fingerprint !== lane.provider?.fingerprint) setHealth(lane, afterChange(lane.health));
        lane.provider = provider;
        if (provider) continue;
        idle.push(lane);
        if (lane.held === 0) lanes.delete(lane.name);
      }
      return idle;
    },
  };
}

const none: ReadonlySet<string> = new Set();

/**
 * How many entries to claim next. Receivers that hang can together hold at most one half of the places. The Providers
 * have equal shares of the other half, so that each Provider has a place.
 */
export function claimLimits({
  limit,
  perProvider,
  held,
  readyProviders,
}: {
  /** The maximum number of entries under lease for all Providers together. */
  readonly limit: number;
  /** The maximum number of entries under lease for one Provider. */
  readonly perProvider: number;
  /** The number of entries under lease now. */
  readonly held: number;
  readonly readyProviders: number;
}): { readonly limit: number; readonly perProvider: number } {
  const half = Math.ceil(limit / 2);
  if (held < half) return { limit: half - held, perProvider };
  const share = Math.floor(half / Math.max(1, readyProviders));
  return { limit: limit - held, perProvider: Math.max(1, Math.min(perProvider, share)) };
}
