import { setMaxListeners } from 'node:events';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { ReadyProvider, ResolvedProvider } from '../flux/provider.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { ClaimedEntry, OutboxEntry } from '../outbox/entry.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { DeliveryOutcome, OutgoingMessage, Transport } from '../transport/transport.ts';
import { createDeliveryMetrics } from './delivery-metrics.ts';
import { afterFailure, afterRejection, afterSuccess, healthy, isDown } from './health.ts';
import { createLane, type Job, type Lane, RAW_TYPE, takeNext } from './lane.ts';
import { abandonedQueues, blockedProviders, changedProviders, endedStops } from './providers.ts';
import { settle } from './settle.ts';
import { createSettlements } from './settlements.ts';
import { createStoreWatch } from './store-watch.ts';

/** A Provider's state changed. Told once a change, not once an attempt. */
export interface ProviderChange {
  readonly provider: NamespacedName;
  /** The Alert of the event whose delivery showed it. */
  readonly alert: NamespacedName;
  /** `stopped`: it answered 410, and gets nothing before it is changed. */
  readonly state: 'failing' | 'recovered' | 'stopped';
  /** What the attempt came to; absent for a recovery. No secret in it. */
  readonly error?: string;
}

/** Where the Transports come from: `createTransports` of transport/. */
export interface TransportSource {
  forProvider(provider: ReadyProvider): Transport;
  retain(fingerprints: ReadonlySet<string>): void;
}

export interface DeliveryDeps {
  readonly outbox: Outbox;
  readonly transports: TransportSource;
  /** Maps an entry that has no message yet and expands it in the outbox. What it throws makes a dead letter of it. */
  readonly map: (entry: ClaimedEntry) => Promise<void>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Epoch ms. @default Date.now */
  readonly now?: () => number;
  /** In [0, 1). @default Math.random */
  readonly random?: () => number;
  /** Requests in flight for one Provider. @default 16 */
  readonly concurrent?: number;
  /** Entries under lease for all Providers together. @default 2048 */
  readonly limit?: number;
  /** How often entries that have expired are looked for. @default 30 s */
  readonly sweepMs?: number;
  readonly report?: (change: ProviderChange) => void;
}

/** Takes entries out of the outbox and brings them to their receivers. */
export interface Delivery {
  /**
   * Tells it all Providers there are. Waits of a changed Provider end, a stop ends with it, and the queue of one that
   * is gone becomes dead letters. Resolves when that is in the store, or was tried and will be tried again.
   */
  configure(providers: ReadonlyMap<string, ResolvedProvider>): Promise<void>;
  /** Begins to deliver, as soon as it is configured. */
  start(): void;
  /** Takes nothing more, lets requests in flight end until the time is over, then gives back what is left. */
  drain(timeoutMs: number): Promise<void>;
}

/** A lease outlasts the longest attempt by so much. */
const LEASE_MARGIN_MS = 30_000;
/** An attempt begins only while its lease outlasts it by so much. */
const SETTLE_MARGIN_MS = 5_000;
/** So many times the places in flight are claimed ahead: a slow disk then delays no request. */
const CLAIM_AHEAD = 4;
/** An entry has so long for its last attempt, which is due when it expires. */
const EXPIRY_GRACE_MS = 10_000;
/** A timer is never set shorter: what is due and was not handed out waits for something else, such as a free place. */
const MIN_TIMER_MS = 20;
/** Waiting retries are woken when a Provider comes back after it was down for so long. */
const WAKE_AFTER_MS = 10_000;
/** What `drain` still waits for the store after it has aborted what was in flight. */
const LAST_WRITE_MS = 2_000;

export function createDelivery({
  outbox,
  transports,
  map,
  logger: parent,
  metrics: allMetrics,
  now = Date.now,
  random = Math.random,
  concurrent = 16,
  limit = 2048,
  sweepMs = 30_000,
  report,
}: DeliveryDeps): Delivery {
  const logger = parent.child({ logger: 'deliver' });
  const debug = logger.isLevelEnabled('debug');
  const metrics = createDeliveryMetrics(allMetrics);
  const ahead = concurrent * CLAIM_AHEAD;

  let providers: ReadonlyMap<string, ResolvedProvider> = new Map();
  const lanes = new Map<string, Lane>();
  /** Fingerprints of stopped Providers. */
  const stopped = new Map<string, string>();
  let blocked = new Set<string>();
  /** Claimed from, but in no configuration yet: known with the next one, or deleted. */
  const unknown = new Set<string>();
  const resting = new Set<Lane>();
  const full = new Set<Lane>();
  let readyCount = 0;
  let leaseMs = LEASE_MARGIN_MS;

  let state: 'new' | 'running' | 'draining' = 'new';
  let configured = false;
  let held = 0;
  let sending = 0;
  const abort = new AbortController();
  setMaxListeners(0, abort.signal); // one a Transport

  // ── claim ──────────────────────────────────────────────────────────────────────────────────────────────────────

  let claiming = false;
  let claimAgain = false;
  let dueTimer: NodeJS.Timeout | undefined;

  /** @param trial claims although the store could not be used before */
  const claim = async (trial = false) => {
    if (claiming) {
      claimAgain = true;
      return;
    }
    claiming = true;
    try {
      let allowed = trial || !store.broken;
      do {
        claimAgain = false;
        if (state !== 'running' || !configured || !allowed) break;
        await claimOnce();
        allowed = !store.broken;
      } while (claimAgain);
    } catch (thrown) {
      store.failed(thrown);
    } finally {
      claiming = false;
      checkIdle();
    }
  };

  const claimOnce = async () => {
    const at = now();
    const half = Math.ceil(limit / 2);
    // Receivers that hang can hold one half between them. The other is dealt out in equal shares, so that there is a
    // place for every Provider.
    const request =
      held < half
        ? { limit: half - held, perProvider: ahead }
        : {
            limit: limit - held,
            perProvider: Math.max(1, Math.min(ahead, Math.floor(half / Math.max(1, readyCount)))),
          };
    if (request.limit <= 0) return;
    const { entries, nextDueAt } = await outbox.claim({ ...request, leaseMs, except: exceptNow(at), at });
    store.works();
    const touched = new Set<Lane>();
    for (const entry of entries) touched.add(accept(entry, at + leaseMs));
    for (const lane of touched) fill(lane);
    setTimer(nextDueAt);
    if (entries.length === request.limit) claimAgain = true;
  };

  const exceptNow = (at: number): ReadonlySet<string> => {
    for (const lane of resting) if (lane.health.pausedUntil <= at) resting.delete(lane);
    if (resting.size + full.size + unknown.size === 0) return blocked;
    const except = new Set(blocked);
    for (const lane of resting) except.add(lane.name);
    for (const lane of full) except.add(lane.name);
    for (const name of unknown) except.add(name);
    return except;
  };

  const setTimer = (nextDueAt: number | undefined) => {
    clearTimeout(dueTimer);
    dueTimer = undefined;
    let dueAt = nextDueAt ?? Number.POSITIVE_INFINITY;
    for (const { health } of resting) dueAt = Math.min(dueAt, health.pausedUntil);
    if (dueAt === Number.POSITIVE_INFINITY || state !== 'running') return;
    const delay = Math.min(Math.max(dueAt - now(), MIN_TIMER_MS), 3_600_000);
    dueTimer = setTimeout(() => void claim(), delay);
  };

  const laneOf = (ref: NamespacedName): Lane => {
    const name = nameOf(ref);
    let lane = lanes.get(name);
    if (!lane) {
      lane = createLane(name, ref, usable(name));
      lanes.set(name, lane);
    }
    return lane;
  };

  const accept = (entry: ClaimedEntry, leaseEndsAt: number): Lane => {
    const lane = laneOf(entry.provider);
    const job: Job = { entry, leaseEndsAt, single: false };
    hold(lane, 1);
    if (lane.provider === undefined) {
      if (!providers.has(lane.name)) unknown.add(lane.name);
      release(lane, job);
    } else {
      lane.queue.push(job);
    }
    return lane;
  };

  const hold = (lane: Lane, count: number) => {
    held += count;
    lane.held += count;
    if (lane.held >= ahead) full.add(lane);
    else full.delete(lane);
  };

  const release = (lane: Lane, { entry: { id, leaseId } }: Job) =>
    settlements.add({ lane, entry: undefined }, { id, leaseId, at: now(), outcome: 'release' });

  const releaseQueue = (lane: Lane) => {
    for (const job of lane.queue.splice(0)) release(lane, job);
  };

  // ── send ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends from the queue what the free places in flight allow; one probe at a time while the Provider is down. */
  const fill = (lane: Lane) => {
    const { provider } = lane;
    if (provider === undefined || state !== 'running' || lane.health.pausedUntil > now()) {
      if (lane.queue.length > 0) releaseQueue(lane);
      return;
    }
    const places = isDown(lane.health) ? 1 : concurrent;
    while (lane.sending < places && lane.queue.length > 0) {
      const jobs = takeNext(lane);
      const [first] = jobs;
      if (!first) return;
      if (now() + provider.endpoint.timeoutMs + SETTLE_MARGIN_MS > first.leaseEndsAt) {
        for (const job of jobs) release(lane, job);
      } else if (first.entry.message === undefined) mapJob(lane, first);
      else send(lane, provider, jobs);
    }
  };

  const send = (lane: Lane, provider: ReadyProvider, jobs: readonly Job[]) => {
    lane.sending += 1;
    sending += 1;
    const startedAt = performance.now();
    const ended = (outcome: DeliveryOutcome) => {
      lane.sending -= 1;
      sending -= 1;
      finish(lane, provider, jobs, outcome, performance.now() - startedAt);
      fill(lane);
      checkIdle();
    };
    // neither is meant to throw; should one do so, nothing must be lost over it
    const failed = (thrown: unknown) =>
      ended({ status: 'retryable', code: 'error', error: messageOf(thrown), slow: true });
    try {
      transports.forProvider(provider).send(jobs.map(toMessage), abort.signal).then(ended, failed);
    } catch (thrown) {
      queueMicrotask(() => failed(thrown));
    }
  };

  const finish = (
    lane: Lane,
    provider: ReadyProvider,
    jobs: readonly Job[],
    outcome: DeliveryOutcome,
    durationMs: number,
  ) => {
    if (abort.signal.aborted && outcome.status === 'retryable') {
      for (const job of jobs) release(lane, job);
      return;
    }
    const at = now();
    metrics.took(lane.ref, durationMs / 1000);
    for (const { entry } of jobs) {
      metrics.attempted(lane.ref, entry.type, outcome);
      if (debug)
        logger.debug({ ...about(entry), ...outcome, durationMs: Math.round(durationMs) }, 'delivery attempted');
    }
    if (jobs.length > 1 && outcome.status === 'rejected' && !outcome.stop && outcome.code.startsWith('4')) {
      // one of them may be at fault; the others shall not suffer for it
      for (const job of jobs) job.single = true;
      lane.queue.unshift(...jobs);
      return;
    }
    judge(lane, provider, jobs, outcome, at);
    for (const { entry } of jobs) {
      if (outcome.status === 'delivered') metrics.arrived(lane.ref, Math.max(0, at - entry.acceptedAt) / 1000);
      settlements.add({ lane, entry }, settle(entry, outcome, { now: at, random: random() }));
    }
  };

  const toMessage = ({ entry: { type, message = '', partitionKey } }: Job): OutgoingMessage => ({
    kind: type === RAW_TYPE ? 'flux' : 'cdevent',
    body: message,
    ...(partitionKey !== undefined && { partitionKey }),
  });

  const mapJob = (lane: Lane, job: Job) => {
    lane.sending += 1;
    sending += 1;
    const ended = () => {
      lane.sending -= 1;
      sending -= 1;
      fill(lane);
      void claim();
      checkIdle();
    };
    map(job.entry).then(
      () => {
        hold(lane, -1);
        ended();
      },
      (thrown) => {
        if (isStoreFailure(thrown)) {
          release(lane, job);
          store.failed(thrown);
        } else {
          const { id, leaseId } = job.entry;
          const error = messageOf(thrown);
          settlements.add({ lane, entry: job.entry }, { id, leaseId, at: now(), outcome: 'dead-letter', error });
        }
        ended();
      },
    );
  };

  // ── what an outcome says of the Provider ───────────────────────────────────────────────────────────────────────

  const judge = (lane: Lane, provider: ReadyProvider, [job]: readonly Job[], outcome: DeliveryOutcome, at: number) => {
    // the answer to an earlier form of the Provider says nothing of this one
    if (!job || lane.provider?.fingerprint !== provider.fingerprint) return;
    const before = lane.health;
    const { alert } = job.entry;
    const change = { provider: lane.ref, alert };
    if (outcome.status === 'delivered') {
      lane.health = afterSuccess(before, at);
      resting.delete(lane);
      if (before.failing && !lane.health.failing) {
        logger.info({ provider: lane.name }, 'Provider delivers again');
        report?.({ ...change, state: 'recovered' });
      }
      if (isDown(before) && at - before.downSince >= WAKE_AFTER_MS) wake(lane.ref);
      return;
    }
    const { error } = outcome;
    if (outcome.status === 'rejected') {
      lane.health = afterRejection(before, at);
      if (outcome.stop) {
        stop(lane, provider, error, at);
        report?.({ ...change, state: 'stopped', error });
        return;
      }
    } else {
      lane.health = afterFailure(before, outcome, { now: at, random: random(), threshold: concurrent });
      if (lane.health.pausedUntil > at && lane.health.pausedUntil !== before.pausedUntil) {
        resting.add(lane);
        void claim(); // sets the timer
      }
    }
    if (!before.failing) {
      logger.error({ provider: lane.name, alert: nameOf(alert), error }, 'Provider does not deliver');
      report?.({ ...change, state: 'failing', error });
    }
  };

  const stop = (lane: Lane, { fingerprint }: ReadyProvider, error: string, at: number) => {
    stopped.set(lane.name, fingerprint);
    blocked = blockedProviders(providers, stopped);
    lane.provider = undefined;
    settlements.addStop({ provider: lane.ref, fingerprint, reason: error, at });
    logger.error(
      { provider: lane.name, error },
      'Provider stopped until it is changed: its receiver wants nothing more',
    );
  };

  const wake = (ref: NamespacedName) => {
    outbox.wake(ref, now()).then(
      () => void claim(),
      (thrown) => store.failed(thrown),
    );
  };

  // ── settle ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `entry` is left out of one that is only given back. */
  interface Settled {
    readonly lane: Lane;
    readonly entry: ClaimedEntry | undefined;
  }

  const settlements = createSettlements<Settled>({
    outbox,
    settled({ lane, entry }, settlement, kept) {
      hold(lane, -1);
      if (entry === undefined) return;
      if (!kept) logger.debug(about(entry), 'lease lost before the outcome could be stored');
      else if (settlement.outcome === 'delivered') metrics.settled(lane.ref, entry.type, 'delivered');
      else if (settlement.outcome === 'dead-letter') deadLetter(entry, settlement.error);
    },
    written() {
      store.works();
      void claim();
      checkIdle();
    },
    failed: (thrown) => store.failed(thrown),
  });

  const deadLetter = (entry: OutboxEntry, error: string) => {
    metrics.settled(entry.provider, entry.type, 'dead-letter');
    logger.error({ ...about(entry), error }, 'event became a dead letter');
  };

  // ── the store ──────────────────────────────────────────────────────────────────────────────────────────────────

  const store = createStoreWatch({
    logger,
    random,
    retry() {
      if (settlements.size > 0) void settlements.flush();
      else if (unreconciled) void reconcile();
      else void claim(true);
    },
  });

  // ── configuration ──────────────────────────────────────────────────────────────────────────────────────────────

  const usable = (name: string): ReadyProvider | undefined => {
    const provider = providers.get(name);
    return provider?.status === 'ready' && !blocked.has(name) ? provider : undefined;
  };

  /** Brings blocked Providers and lanes in line with the configuration and the stops. */
  const applyProviders = () => {
    for (const [name, fingerprint] of stopped) {
      const provider = providers.get(name);
      if (provider?.status !== 'invalid' && (provider?.status !== 'ready' || provider.fingerprint !== fingerprint)) {
        stopped.delete(name);
      }
    }
    blocked = blockedProviders(providers, stopped);
    for (const lane of lanes.values()) {
      const provider = usable(lane.name);
      if (provider && lane.provider && provider.fingerprint !== lane.provider.fingerprint) rested(lane);
      lane.provider = provider;
      if (!provider) {
        rested(lane);
        releaseQueue(lane);
        if (lane.held === 0) lanes.delete(lane.name);
      }
    }
  };

  /** Another Provider may be behind the name now: whether it works is found out at once. */
  const rested = (lane: Lane) => {
    const { failing, lastFailureAt } = lane.health;
    lane.health = { ...healthy, failing, lastFailureAt };
    resting.delete(lane);
  };

  /** The configuration whose changes are in the store. */
  let reconciled: ReadonlyMap<string, ResolvedProvider> = new Map();
  let unreconciled = false;
  let reconciling: Promise<void> = Promise.resolve();

  const reconcile = (): Promise<void> => {
    unreconciled = true;
    reconciling = reconciling.then(reconcileOnce);
    return reconciling;
  };

  const reconcileOnce = async () => {
    if (!unreconciled || state === 'draining') return;
    unreconciled = false;
    try {
      const stops = await outbox.stops();
      const current = providers;
      const ended = new Set(endedStops(stops, current).map(nameOf));
      for (const { provider, fingerprint } of stops) {
        if (ended.has(nameOf(provider))) await outbox.resume(provider);
        else stopped.set(nameOf(provider), fingerprint);
      }
      applyProviders();
      for (const ref of changedProviders(reconciled, current)) await outbox.wake(ref, now());
      reconciled = current;
      const stats = await outbox.stats();
      for (const { provider, error } of abandonedQueues(stats, providers)) {
        const count = await outbox.abandon(provider, error, now());
        metrics.settled(provider, 'unknown', 'dead-letter', count);
        logger.error({ provider: nameOf(provider), count, error }, 'events became dead letters');
      }
      configured = true;
      store.works();
      void claim();
    } catch (thrown) {
      unreconciled = true;
      store.failed(thrown);
    }
  };

  const sweep = async () => {
    if (store.broken || state !== 'running') return;
    try {
      for (let more = true; more && state === 'running'; ) {
        const expired = await outbox.expire(now() - EXPIRY_GRACE_MS);
        for (const entry of expired) deadLetter(entry, entry.lastError ?? 'not delivered within its max-age');
        more = expired.length > 0;
      }
    } catch (thrown) {
      store.failed(thrown);
    }
    if (unknown.size === 0) return;
    unknown.clear();
    await reconcile();
  };

  // ── begin and end ──────────────────────────────────────────────────────────────────────────────────────────────

  let stopListening = () => {};
  let sweepTimer: NodeJS.Timeout | undefined;
  let whenIdle: (() => void) | undefined;

  const isIdle = () => sending === 0 && settlements.size === 0 && !claiming;
  const checkIdle = () => {
    if (whenIdle && isIdle()) whenIdle();
  };
  const idle = (timeoutMs: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      whenIdle = () => {
        clearTimeout(timer);
        resolve();
      };
      checkIdle();
    });

  return {
    configure(next) {
      providers = next;
      unknown.clear();
      const ready = [...next.values()].filter((provider) => provider.status === 'ready');
      readyCount = ready.length;
      leaseMs = ready.reduce((longest, { endpoint }) => Math.max(longest, endpoint.timeoutMs), 0) + LEASE_MARGIN_MS;
      transports.retain(new Set(ready.map(({ fingerprint }) => fingerprint)));
      applyProviders();
      return reconcile();
    },
    start() {
      if (state !== 'new') return;
      state = 'running';
      stopListening = outbox.onReady(() => void claim());
      sweepTimer = setInterval(() => void sweep(), sweepMs);
      void claim();
    },
    async drain(timeoutMs) {
      state = 'draining';
      stopListening();
      clearInterval(sweepTimer);
      clearTimeout(dueTimer);
      for (const lane of lanes.values()) releaseQueue(lane);
      await idle(timeoutMs);
      abort.abort();
      await idle(LAST_WRITE_MS);
      store.close();
    },
  };
}

/** How an entry is named in a log line. */
const about = ({ provider, alert, id, type, object, reason }: OutboxEntry) => ({
  provider: nameOf(provider),
  alert: nameOf(alert),
  id,
  type,
  object,
  reason,
});

const isStoreFailure = (thrown: unknown): boolean =>
  thrown instanceof FluxCDEventsError && thrown.code === 'FCE_STORE_UNAVAILABLE';
