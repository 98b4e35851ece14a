import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { ClaimedEntry } from '../outbox/entry.ts';
import type { ReadyProvider } from '../provider/provider.ts';
import type { ConfiguredProviders } from './configured-providers.ts';
import { afterChange, healthy, type ProviderHealth } from './provider-health.ts';

/** A claimed entry that is not settled yet. Instants come from the engine's monotonic clock, in ms. */
export interface Lease {
  readonly entry: ClaimedEntry;
  readonly claimedAt: number;
  readonly endsAt: number;
  /** True: it is sent although its Provider is down. */
  readonly probe: boolean;
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
  readonly queue: Lease[];
  /** Requests in flight, and entries being mapped. */
  readonly inFlight: number;
  /** Entries under lease: queued, in flight or being settled. */
  readonly held: number;
  /** The total size of the entries under lease. */
  readonly heldBytes: number;
}

/** The lanes of all Providers with claimed entries, and their totals. */
export interface Lanes {
  /** Finds the lane of a Provider, or creates it. */
  of(provider: NamespacedName, providers: ConfiguredProviders): Lane;
  all(): Iterable<Lane>;
  /** Entries under lease. */
  readonly held: number;
  /** The total size of the entries under lease. */
  readonly heldBytes: number;
  /** @param bytes their total size */
  hold(lane: Lane, count: number, bytes?: number): void;
  /** Requests in flight, and entries being mapped. */
  readonly inFlight: number;
  begin(lane: Lane): void;
  end(lane: Lane): void;
  /** @returns whether the lane is open now and was not, or the reverse, or its next probe has another time */
  setHealth(lane: Lane, health: ProviderHealth): boolean;
  /** When the next probe must be sent. Infinity while no lane needs one. */
  nextProbeAt(): number;
  /** The lanes that must be probed now. */
  dueProbes(now: number): readonly Lane[];
  /** `namespace/name` of Providers that are down, or whose lanes are full. */
  closed(): ReadonlySet<string>;
  /** Applies the configuration to the lanes. @returns the lanes that may receive nothing now */
  follow(providers: ConfiguredProviders): readonly Lane[];
}

/**
 * @param capacity the maximum number of entries that one lane holds
 * @param concurrent the maximum number of requests in flight in one lane
 * @param capacityBytes the maximum total size of the entries that one lane holds, unless it is one entry
 */
export function createLanes(capacity: number, concurrent: number, capacityBytes = Number.POSITIVE_INFINITY): Lanes {
  type MutableLane = { -readonly [K in keyof Lane]: Lane[K] };
  const lanes = new Map<string, MutableLane>();
  const toProbe = new Set<Lane>();
  const full = new Set<Lane>();
  let held = 0;
  let heldBytes = 0;
  let inFlight = 0;

  const setHealth = (lane: MutableLane, health: ProviderHealth): boolean => {
    const { down, probeAt } = lane.health;
    lane.health = health;
    if (health.probeAt > 0) toProbe.add(lane);
    else toProbe.delete(lane);
    return health.down !== down || health.probeAt !== probeAt;
  };
  // the requests in flight of a lane without a free place are as good as probes
  const hasPlace = (lane: Lane): boolean => lane.inFlight < concurrent;

  return {
    of(ref, providers) {
      const name = nameOf(ref);
      const known = lanes.get(name);
      if (known) return known;
      const lane = { name, ref, provider: providers.usable(name), health: healthy, queue: [], ...empty };
      lanes.set(name, lane);
      return lane;
    },
    all: () => lanes.values(),
    get held() {
      return held;
    },
    get heldBytes() {
      return heldBytes;
    },
    hold(lane: MutableLane, count, bytes = 0) {
      held += count;
      lane.held += count;
      heldBytes += bytes;
      lane.heldBytes += bytes;
      if (lane.held >= capacity || lane.heldBytes >= capacityBytes) full.add(lane);
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
    nextProbeAt() {
      let at = Number.POSITIVE_INFINITY;
      for (const lane of toProbe) if (hasPlace(lane)) at = Math.min(at, lane.health.probeAt);
      return at;
    },
    dueProbes: (now) => [...toProbe].filter((lane) => lane.health.probeAt <= now && hasPlace(lane)),
    closed() {
      if (toProbe.size + full.size === 0) return none;
      const down = [...toProbe].filter(({ health }) => health.down);
      return new Set(Array.from([...down, ...full], ({ name }) => name));
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
const empty = { inFlight: 0, held: 0, heldBytes: 0 };

/** How much to claim next: a number of entries, or a number of bytes. */
export interface ClaimLimits {
  readonly limit: number;
  readonly perProvider: number;
}

/**
 * How much to claim next. Receivers that hang can together hold at most one half of the places. The Providers have equal
 * shares of the other half, so that each Provider has a place. Bytes are divided in the same way as entries.
 */
export function claimLimits({
  limit,
  perProvider,
  held,
  readyProviders,
}: {
  /** The maximum under lease for all Providers together. */
  readonly limit: number;
  /** The maximum under lease for one Provider. */
  readonly perProvider: number;
  /** What is under lease now. */
  readonly held: number;
  readonly readyProviders: number;
}): ClaimLimits {
  const half = Math.ceil(limit / 2);
  if (held < half) return { limit: half - held, perProvider };
  const share = Math.floor(half / Math.max(1, readyProviders));
  return { limit: limit - held, perProvider: Math.max(1, Math.min(perProvider, share)) };
}
