import { setMaxListeners } from 'node:events';
import type { MapOutcome } from '../contracts.ts';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { DeadLetters } from '../outbox/dead-letters.ts';
import { type ClaimedEntry, type EntrySummary, logFieldsOf, typeLabelOf } from '../outbox/entry.ts';
import type { Inspection } from '../outbox/inspection.ts';
import type { ProviderStop, Settled, Settlement, WorkQueue } from '../outbox/work-queue.ts';
import type { ReadyProvider, ResolvedProvider } from '../provider/provider.ts';
import { maxAgeOf } from '../provider/provider-options.ts';
import type { DeliveryOutcome, OutgoingMessage, Transports } from '../transport/transport.ts';
import { isSplit, takeBatch } from './batch.ts';
import { createConfiguredProviders, type ProviderMap } from './configured-providers.ts';
import { createDeliveryMetrics } from './delivery-metrics.ts';
import { claimLimits, createLanes, type Lane, type Lease } from './lanes.ts';
import { afterProbe, assess, failuresByChance, placesOf, withoutEntries } from './provider-health.ts';
import { abandonedQueues, providerChanges } from './reconcile.ts';
import { storeDelayMs } from './retry-delay.ts';
import { settlementOf } from './settle.ts';

/** A change in the health of a Provider. Reported once for each change, not for each attempt. */
export interface ProviderReport {
  readonly provider: NamespacedName;
  /** The Alert of the event whose delivery revealed the change. */
  readonly alert: NamespacedName;
  /** `stopped`: the receiver answered 410, and the Provider receives nothing until it is changed. */
  readonly state: 'failing' | 'recovered' | 'stopped';
  /** The error of the attempt. Absent for a recovery. Contains no secret. */
  readonly error?: string;
}

export interface DeliveryEngineDeps {
  readonly outbox: WorkQueue & Pick<Inspection, 'stats'> & Pick<DeadLetters, 'replay' | 'abandon' | 'expire'>;
  readonly transports: Pick<Transports, 'forProvider' | 'retain'>;
  /**
   * Maps an entry that has no message yet, and commits the result in its place. An entry whose Provider is not ready
   * returns to the queue. If it throws, the entry becomes a dead letter, unless the store is unavailable.
   */
  readonly map: (entry: ClaimedEntry) => Promise<MapOutcome>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** A monotonic clock for rests, leases and timers, in ms. @default performance.now */
  readonly now?: () => number;
  /** Epoch ms. Used only to find entries by the time of their acceptance. @default Date.now */
  readonly wallNow?: () => number;
  /** In [0, 1). @default Math.random */
  readonly random?: () => number;
  /** The maximum number of requests in flight for one Provider. @default 16 */
  readonly concurrent?: number;
  /** The maximum number of entries under lease for all Providers together. @default 2048 */
  readonly limit?: number;
  /** How often to check for expired entries, in milliseconds. @default 30 000 */
  readonly sweepMs?: number;
  readonly report?: (report: ProviderReport) => void;
}

/** Delivers the entries of the outbox to their receivers. */
export interface DeliveryEngine {
  /**
   * Replaces the configured Providers. Ends the rests and stops of changed Providers, makes their retries due, and
   * turns the queues of deleted ones into dead letters. Resolves when the store has the changes, or when the store
   * failed and the engine will try again.
   * @param known false for `complete` when a Provider may exist that is not among these: then none counts as deleted
   */
  configure(providers: ReadonlyMap<string, ResolvedProvider>, known?: { readonly complete: boolean }): Promise<void>;
  /** Starts delivery, which begins with the first configuration. */
  start(): void;
  /** Stops claiming, waits for requests in flight until the time is over, then releases the remaining entries. */
  drain(timeoutMs: number): Promise<void>;
}

/** Entries claimed ahead, as a multiple of the requests in flight, so that a slow disk does not delay requests. */
const CLAIM_AHEAD = 4;
/**
 * The maximum size of the entries under lease, in bytes, for all Providers and for one. A larger entry is claimed alone.
 * Each text is in memory several times while it is loaded and sent.
 */
const BYTES = 32 * 1024 * 1024;
const BYTES_PER_PROVIDER = 16 * 1024 * 1024;
/** How much longer a lease is than the longest attempt. */
const LEASE_MARGIN_MS = 30_000;
/** An attempt begins only if its lease lasts at least this much longer than the attempt can. */
const SETTLE_MARGIN_MS = 5_000;
/** The shortest timer. A due entry that a claim did not return waits for something else, such as a free place. */
const MIN_TIMER_MS = 20;
const MAX_TIMER_MS = 3_600_000;
/** The time for the last attempt of an entry, which is due when the entry expires. */
const EXPIRY_GRACE_MS = 10_000;
/**
 * `kubectl apply` creates an Alert before its Provider, and an event may arrive in between. That event becomes a dead
 * letter without being mapped, and is queued again if the Provider is created within this time.
 */
const ARRIVAL_GRACE_MS = 10 * 60_000;
/** How long `drain` waits for the store after it aborted the requests in flight. */
const LAST_WRITE_MS = 2_000;

/** What the engine does in each mode. */
const modes = {
  new: { configures: true, delivers: false, settles: true },
  running: { configures: true, delivers: true, settles: true },
  draining: { configures: false, delivers: false, settles: true },
  stopped: { configures: false, delivers: false, settles: false },
} as const;

interface Unsettled {
  readonly lane: Lane;
  readonly entry: ClaimedEntry;
  readonly settlement: Settlement;
}

/**
 * The engine is one state machine. The path of an entry through it:
 *
 *     claim ──► queue of the Provider's lane ──► send ──► settle
 *       ▲                │        ▲       │                 │ delivered, retry, dead letter
 *       │                │        └─ map ─┘ (no message)    │
 *       │                └────────── release ──────────────►│
 *       └──────────────────── a place is free ──────────────┘
 *
 * The modes, and what an event does in each:
 *
 *                            new         running              draining            stopped
 *     configure()            reconcile   reconcile            –                   –
 *     start()                → running   –                    –                   –
 *     drain()                → draining  → draining           the same drain      the same drain
 *     something is due,      –           claim                –                   –
 *       or a place is free
 *     entries are claimed    –           queue, send or map   release             –
 *     an attempt ended       –           settle, send next    settle or release   –
 *     sweep                  –           expire, abandon      –                   –
 *     nothing is at work     –           –                    → stopped           –
 *     drain's time is over   –           –                    abort, → stopped    –
 *
 * Beside the modes the store is available or not:
 *
 *     available ──── a call fails ────► unavailable
 *         ▲                                  │ after 250 ms to 10 s: settle, reconcile, claim
 *         └──────── the calls succeed ───────┘
 *
 * While the store is unavailable, nothing is claimed and nothing expires. Requests in flight end, and their settlements
 * wait.
 *
 * The engine does not poll. It claims when the store reports ready entries, when a settlement frees a place, and when
 * the timer for the next due entry or the next probe of a Provider that is down fires.
 */
export function createDeliveryEngine(deps: DeliveryEngineDeps): DeliveryEngine {
  const { outbox, transports, concurrent = 16, limit = 2048 } = deps;
  const { now = () => performance.now(), wallNow = Date.now, random = Math.random } = deps;
  const logger = deps.logger.child({ logger: 'deliver' });
  const debug = logger.isLevelEnabled('debug');
  const metrics = createDeliveryMetrics(deps.metrics);
  const providers = createConfiguredProviders();
  const perProvider = concurrent * CLAIM_AHEAD;
  const lanes = createLanes(perProvider, concurrent, BYTES_PER_PROVIDER);
  const abort = new AbortController();
  setMaxListeners(0, abort.signal); // each Transport adds a listener

  let mode: keyof typeof modes = 'new';

  // Claim

  let claiming = false;
  let claimAgain = false;
  let claimTimer: NodeJS.Timeout | undefined;

  /** @param trial true: claim even though the store is unavailable, to find out whether it still is */
  const claim = async (trial = false): Promise<void> => {
    claimAgain = true;
    if (claiming) return;
    claiming = true;
    try {
      for (let allowed = trial || storeFailures === 0; claimAgain && allowed && mayClaim(); ) {
        claimAgain = false;
        await claimOnce();
        allowed = storeFailures === 0;
      }
    } catch (thrown) {
      storeFailed(thrown);
    } finally {
      claiming = false;
      checkIdle();
    }
  };

  const mayClaim = (): boolean => modes[mode].delivers && isConfigured;

  const claimOnce = async () => {
    const claimedAt = now();
    const { readyCount: readyProviders } = providers;
    const count = claimLimits({ limit, perProvider, held: lanes.held, readyProviders });
    const ofBytes = { limit: BYTES, perProvider: BYTES_PER_PROVIDER, held: lanes.heldBytes };
    const bytes = claimLimits({ ...ofBytes, readyProviders });
    if (count.limit <= 0 || bytes.limit <= 0) return;
    const limits = { ...count, maxBytes: bytes.limit, perProviderBytes: bytes.perProvider };
    const leaseMs = providers.longestTimeoutMs + LEASE_MARGIN_MS;
    const probed = lanes.dueProbes(claimedAt);
    for (const lane of probed) lanes.setHealth(lane, afterProbe(lane.health, claimedAt, random()));
    const probe = new Set(probed.map(({ name }) => name));
    const { entries, nextDueInMs } = await outbox.claim({ ...limits, leaseMs, except: closedProviders(), probe });
    storeWorks();
    const leases = entries.map((entry) => ({
      entry,
      claimedAt,
      endsAt: claimedAt + leaseMs,
      probe: probe.delete(nameOf(entry.provider)),
      alone: false,
    }));
    for (const lane of probed) {
      const isIdle = lane.health.down && lane.inFlight === 0 && probe.has(lane.name);
      if (isIdle) lanes.setHealth(lane, withoutEntries(lane.health));
    }
    enqueue(leases);
    const dueAt = nextDueInMs === undefined ? Number.POSITIVE_INFINITY : now() + nextDueInMs;
    claimAt(Math.min(dueAt, lanes.nextProbeAt()));
    if (entries.length === limits.limit) claimAgain = true;
  };

  /** The names of Providers for which to claim nothing. */
  const closedProviders = (): ReadonlySet<string> => {
    const closed = lanes.closed();
    if (closed.size + providers.unknown.size === 0) return providers.blocked;
    return new Set([...providers.blocked, ...closed, ...providers.unknown]);
  };

  const claimAt = (at: number) => {
    clearTimeout(claimTimer);
    if (at === Number.POSITIVE_INFINITY || !mayClaim()) return;
    claimTimer = setTimeout(() => void claim(), Math.min(Math.max(at - now(), MIN_TIMER_MS), MAX_TIMER_MS));
  };

  const enqueue = (leases: readonly Lease[]) => {
    const touched = new Set<Lane>();
    for (const lease of leases) {
      const lane = lanes.of(lease.entry.provider, providers);
      lanes.hold(lane, 1, lease.entry.bytes);
      lane.queue.push(lease);
      if (!providers.all.has(lane.name)) providers.addUnknown(lane.name);
      touched.add(lane);
    }
    for (const lane of touched) fill(lane);
  };

  // Send, or map first

  /** Sends queued entries while places are free, and only probes while the Provider is down. */
  const fill = (lane: Lane) => {
    const { provider, queue, health } = lane;
    if (provider === undefined || !modes[mode].delivers) {
      release(lane, queue.splice(0));
      return;
    }
    if (health.down && queue.length > 0) {
      const waiting = queue.splice(0);
      queue.push(...waiting.filter(({ probe }) => probe));
      release(
        lane,
        waiting.filter(({ probe }) => !probe),
      );
    }
    const places = placesOf(health, concurrent);
    while (lane.inFlight < places && queue.length > 0) {
      const leases = takeBatch(queue, provider.options.contentMode);
      const [first] = leases;
      if (first === undefined) return;
      if (now() + provider.endpoint.timeoutMs + SETTLE_MARGIN_MS > first.endsAt) release(lane, leases);
      else if (first.entry.message === undefined) void map(lane, first);
      else void send(lane, provider, leases);
    }
  };

  const send = async (lane: Lane, provider: ReadyProvider, leases: readonly Lease[]) => {
    lanes.begin(lane);
    const startedAt = now();
    const outcome = await attempt(provider, leases);
    // the outcome of an aborted request is unknown, so it does not count as an attempt
    if (abort.signal.aborted && outcome.status === 'retryable') release(lane, leases);
    else attempted(lane, provider, leases, outcome, now() - startedAt);
    landed(lane);
  };

  const attempt = async (provider: ReadyProvider, leases: readonly Lease[]): Promise<DeliveryOutcome> => {
    try {
      return await transports.forProvider(provider).send(leases.map(toMessage), abort.signal);
    } catch (thrown) {
      // a Transport should not throw, but if one does, no event may be lost
      return { status: 'retryable', code: 'error', error: messageOf(thrown), slow: true };
    }
  };

  const attempted = (
    lane: Lane,
    provider: ReadyProvider,
    leases: readonly Lease[],
    outcome: DeliveryOutcome,
    durationMs: number,
  ) => {
    const split = isSplit(leases.length, outcome);
    metrics.observeAttempt(lane.ref, durationMs / 1000);
    for (const lease of leases) {
      const { entry } = lease;
      metrics.countAttempt(lane.ref, typeLabelOf(entry), outcome);
      if (debug) logger.debug({ ...logFieldsOf(entry), ...outcome, durationMs: Math.round(durationMs) }, 'attempted');
      if (split) {
        lease.alone = true;
        continue;
      }
      if (outcome.status === 'delivered') {
        metrics.observeEndToEnd(lane.ref, Math.max(0, entry.ageMs + now() - lease.claimedAt) / 1000);
      }
      settle(lane, lease, settlementOf(entry, outcome, random(), failuresByChance(lane.health)));
    }
    if (split) lane.queue.unshift(...leases);
    else if (leases[0]) assessProvider(lane, provider, leases[0].entry.alert, outcome);
  };

  const map = async (lane: Lane, lease: Lease) => {
    const { id, leaseId } = lease.entry;
    lanes.begin(lane);
    try {
      if ((await deps.map(lease.entry)) === 'not-ready') release(lane, [lease]);
      else {
        lanes.hold(lane, -1, -lease.entry.bytes); // its lease has ended
        if (lease.probe && lane.health.down) lanes.setHealth(lane, { ...lane.health, probeAt: now() }); // with the result
        void claim();
      }
    } catch (thrown) {
      if (isStoreFailure(thrown)) {
        release(lane, [lease]);
        storeFailed(thrown);
      } else {
        settle(lane, lease, { id, leaseId, outcome: 'dead-letter', error: messageOf(thrown) });
      }
    }
    landed(lane);
  };

  /** Frees the place of a request or a mapping that ended. */
  const landed = (lane: Lane) => {
    lanes.end(lane);
    fill(lane);
    checkIdle();
  };

  // The health of the Provider

  const assessProvider = (lane: Lane, provider: ReadyProvider, alert: NamespacedName, outcome: DeliveryOutcome) => {
    // the Provider was changed in the meantime, so the outcome says nothing about its health
    if (lane.provider?.fingerprint !== provider.fingerprint) return;
    const context = { now: now(), random: random(), concurrent, inFlight: lane.inFlight };
    const { health, change, wake } = assess(lane.health, outcome, context);
    if (lanes.setHealth(lane, health)) void claim(); // changes the Providers to claim for, or when
    const error = outcome.status === 'delivered' ? undefined : outcome.error;
    if (change === 'stopped') stop({ provider: lane.ref, fingerprint: provider.fingerprint, reason: error ?? '' });
    if (change) report({ provider: lane.ref, alert, state: change, ...(error !== undefined && { error }) });
    if (wake) outbox.wake(lane.ref).then(() => claim(), storeFailed);
  };

  const stop = (providerStop: ProviderStop) => {
    providers.addStops([providerStop]);
    unstoredStops.push(providerStop);
    scheduleFlush();
    followProviders();
  };

  const report = (change: ProviderReport) => {
    const { provider, alert, state, error } = change;
    if (state === 'recovered') logger.info({ provider: nameOf(provider) }, 'Provider delivers again');
    else {
      const what =
        state === 'failing'
          ? 'Provider does not deliver'
          : 'Provider stopped until it is changed: its receiver wants no more events';
      logger.error({ provider: nameOf(provider), alert: nameOf(alert), error }, what);
    }
    deps.report?.(change);
  };

  // Settle: attempts that end in one turn of the event loop are stored together, and kept until the store has them

  let unsettled: Unsettled[] = [];
  /** Stored before the settlements, so that a crash in between cannot lose a stop. */
  let unstoredStops: ProviderStop[] = [];
  let settling = 0;
  let flushScheduled = false;
  let flushFailed = false;

  const settle = (lane: Lane, { entry }: Lease, settlement: Settlement) => {
    unsettled.push({ lane, entry, settlement });
    scheduleFlush();
  };

  const release = (lane: Lane, leases: readonly Lease[]) => {
    for (const lease of leases) {
      const { id, leaseId } = lease.entry;
      settle(lane, lease, { id, leaseId, outcome: 'release' });
    }
  };

  // a microtask would run too early: answers on different sockets in the same turn belong to one group
  const scheduleFlush = () => {
    if (flushScheduled || flushFailed || !modes[mode].settles) return;
    flushScheduled = true;
    setImmediate(() => void flush());
  };

  const flush = async () => {
    flushScheduled = false;
    const group = unsettled;
    const stops = unstoredStops;
    const size = group.length + stops.length;
    if (size === 0) return;
    unsettled = [];
    unstoredStops = [];
    settling += size;
    let answers: readonly Settled[] = [];
    try {
      for (let first = stops[0]; first; first = stops[0]) {
        await outbox.stop(first);
        stops.shift();
      }
      if (group.length > 0) answers = await outbox.settle(group.map(({ settlement }) => settlement));
      flushFailed = false;
    } catch (thrown) {
      unsettled = group.concat(unsettled);
      unstoredStops = stops.concat(unstoredStops);
      flushFailed = true;
      storeFailed(thrown);
      return;
    } finally {
      settling -= size;
    }
    for (const [index, answer] of answers.entries()) {
      const item = group[index];
      if (item) settled(item, answer);
    }
    storeWorks();
    void claim();
    checkIdle();
    if (unsettled.length + unstoredStops.length > 0) scheduleFlush();
  };

  const settled = ({ lane, entry, settlement }: Unsettled, answer: Settled) => {
    lanes.hold(lane, -1, -entry.bytes);
    if (answer.state === 'dead-letter') deadLetter(entry, answer.error);
    else if (answer.state === 'delivered') metrics.countSettled(lane.ref, typeLabelOf(entry), 'delivered');
    else if (answer.state === 'lost' && settlement.outcome !== 'release') {
      logger.debug(logFieldsOf(entry), 'lease lost before the outcome was stored');
    }
  };

  const deadLetter = (entry: EntrySummary, error: string) => {
    metrics.countSettled(entry.provider, typeLabelOf(entry), 'dead-letter');
    logger.error({ ...logFieldsOf(entry), error }, 'event became a dead letter');
  };

  // The store: available, or not

  let storeFailures = 0;
  let storeTimer: NodeJS.Timeout | undefined;

  const storeFailed = (thrown: unknown) => {
    if (mode === 'stopped' || storeTimer !== undefined) return;
    if (storeFailures === 0) logger.error({ error: messageOf(thrown) }, 'the outbox is unavailable; retrying');
    storeFailures += 1;
    storeTimer = setTimeout(() => void retryStore(), storeDelayMs(storeFailures, random()));
  };

  const storeWorks = () => {
    // a call that began before the failure does not prove that the store works again
    if (storeFailures === 0 || storeTimer !== undefined) return;
    storeFailures = 0;
    logger.info('the outbox is available again');
  };

  const retryStore = async () => {
    storeTimer = undefined;
    await flush();
    if (storeTimer !== undefined) return;
    if (isReconcilePending) await reconcile();
    else void claim(true);
  };

  // Configuration

  /** The last configuration that the store was reconciled with. */
  let reconciled: ProviderMap | undefined;
  let isComplete = true;
  let isConfigured = false;
  let isReconcilePending = false;
  let reconciling: Promise<void> = Promise.resolve();

  const reconcile = (): Promise<void> => {
    isReconcilePending = true;
    reconciling = reconciling.then(reconcileOnce);
    return reconciling;
  };

  /** Applies the configuration to the store. */
  const reconcileOnce = async () => {
    if (!isReconcilePending || !modes[mode].configures) return;
    isReconcilePending = false;
    try {
      const stops = await outbox.stops();
      const { all } = providers;
      const { stopped, resumed, changed, arrived } = providerChanges(reconciled ?? all, all, stops, isComplete);
      providers.addStops(stopped);
      followProviders();
      for (const provider of resumed) await outbox.resume(provider);
      for (const provider of changed) await outbox.wake(provider);
      for (const provider of arrived) await revive(provider);
      reconciled = all;
      const stats = await outbox.stats();
      // uses the newest configuration, because a Provider may have been added in the meantime
      for (const { provider, error } of abandonedQueues(stats, providers.all, isComplete))
        await abandon(provider, error);
      storeWorks();
      isConfigured = true;
      void claim();
    } catch (thrown) {
      isReconcilePending = true;
      storeFailed(thrown);
    }
  };

  const followProviders = () => {
    for (const lane of lanes.follow(providers)) fill(lane); // releases the queue
  };

  const revive = (provider: NamespacedName) =>
    outbox.replay(
      { provider, mapped: false, states: ['dead-letter'], since: wallNow() - ARRIVAL_GRACE_MS },
      { maxAgeMs: maxAgeOf(providers.all.get(nameOf(provider))), remap: false },
    );

  const abandon = async (provider: NamespacedName, error: string) => {
    const count = await outbox.abandon(provider, error);
    metrics.countSettled(provider, 'unknown', 'dead-letter', count);
    logger.error({ provider: nameOf(provider), count, error }, 'events became dead letters');
  };

  /** Expires entries, and abandons those that came for a deleted Provider after its queue was abandoned. */
  const sweep = async () => {
    if (storeFailures > 0) return;
    try {
      for (let more = true; more && modes[mode].configures; ) {
        const entries = await outbox.expire(EXPIRY_GRACE_MS);
        for (const entry of entries) deadLetter(entry, entry.lastError ?? 'not delivered within its max-age');
        more = entries.length > 0;
      }
    } catch (thrown) {
      storeFailed(thrown);
    }
    if (providers.unknown.size === 0) return;
    providers.forgetUnknown();
    await reconcile();
  };

  // Modes

  let stopListening = () => {};
  let sweepTimer: NodeJS.Timeout | undefined;
  let drained: Promise<void> | undefined;
  let whenIdle: (() => void) | undefined;

  const checkIdle = () => {
    const waiting = unsettled.length + unstoredStops.length + settling;
    if (whenIdle && lanes.inFlight + waiting === 0 && !claiming) whenIdle();
  };

  /** Resolves when no work is in progress, or when the time is over. */
  const idle = (timeoutMs: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      whenIdle = () => {
        clearTimeout(timer);
        resolve();
      };
      checkIdle();
    });

  const drain = async (timeoutMs: number) => {
    mode = 'draining';
    stopListening();
    clearInterval(sweepTimer);
    clearTimeout(claimTimer);
    for (const lane of lanes.all()) fill(lane); // releases the queue
    await idle(timeoutMs);
    abort.abort();
    await idle(LAST_WRITE_MS);
    mode = 'stopped';
    clearTimeout(storeTimer);
  };

  return {
    async configure(next, { complete } = { complete: true }) {
      if (!modes[mode].configures) return;
      isComplete = complete;
      providers.replace(next);
      transports.retain(providers.fingerprints);
      followProviders();
      await reconcile();
    },
    start() {
      if (mode !== 'new') return;
      mode = 'running';
      stopListening = outbox.onReady(() => void claim());
      sweepTimer = setInterval(() => void sweep(), deps.sweepMs ?? 30_000);
      void claim();
    },
    drain(timeoutMs) {
      drained ??= drain(timeoutMs);
      return drained;
    },
  };
}

const toMessage = ({ entry: { kind, message = '', partitionKey } }: Lease): OutgoingMessage => ({
  kind,
  body: message,
  ...(partitionKey !== undefined && { partitionKey }),
});

const isStoreFailure = (thrown: unknown): boolean =>
  thrown instanceof FluxCDEventsError && thrown.code === 'FCE_STORE_UNAVAILABLE';
