import { setMaxListeners } from 'node:events';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { nameOf } from '../flux/object-ref.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { ClaimedEntry, OutboxEntry } from '../outbox/entry.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { ReadyProvider, ResolvedProvider } from '../provider/provider.ts';
import type { Transport } from '../transport/transport.ts';
import { createClaimer } from './claimer.ts';
import { createDeliveryMetrics } from './delivery-metrics.ts';
import { createJudge, type ProviderChange } from './judge.ts';
import type { Job, Lane } from './lane.ts';
import { createLanes } from './lanes.ts';
import { createReconciler } from './reconciler.ts';
import { createRoster } from './roster.ts';
import { createSender } from './sender.ts';
import { settle } from './settle.ts';
import { createSettlements } from './settlements.ts';
import { createStoreWatch } from './store-watch.ts';

export type { ProviderChange } from './judge.ts';

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

/** So many times the places in flight are claimed ahead: a slow disk then delays no request. */
const CLAIM_AHEAD = 4;
/** What `drain` still waits for the store after it has aborted what was in flight. */
const LAST_WRITE_MS = 2_000;

/**
 * Puts the parts together. What happens to an entry:
 *
 *     claimer ──► queue of its Provider's lane ──► sender ──► settlements ──► outbox
 *                                                    └──► judge: what it says of the Provider
 */
export function createDelivery(deps: DeliveryDeps): Delivery {
  const { outbox, transports, now = Date.now, random = Math.random, concurrent = 16, limit = 2048 } = deps;
  const logger = deps.logger.child({ logger: 'deliver' });
  const debug = logger.isLevelEnabled('debug');
  const metrics = createDeliveryMetrics(deps.metrics);
  const perProvider = concurrent * CLAIM_AHEAD;

  let state: 'new' | 'running' | 'draining' = 'new';
  let configured = false;
  const abort = new AbortController();
  setMaxListeners(0, abort.signal); // one a Transport

  const roster = createRoster();
  const lanes = createLanes(roster, perProvider);

  const store = createStoreWatch({
    logger,
    random,
    retry() {
      if (settlements.size > 0) void settlements.flush();
      else if (reconciler.pending) void reconciler.reconcile();
      else claimer.claim(true);
    },
  });

  const claimer = createClaimer({
    outbox,
    lanes,
    roster,
    store,
    now,
    limit,
    perProvider,
    isOpen: () => state === 'running' && configured,
    claimed(entries, leaseEndsAt) {
      const touched = new Set<Lane>();
      for (const entry of entries) {
        const lane = lanes.of(entry.provider);
        lanes.hold(lane, 1);
        lane.queue.push({ entry, leaseEndsAt, single: false });
        if (!roster.providers.has(lane.name)) roster.addUnknown(lane.name);
        touched.add(lane);
      }
      for (const lane of touched) sender.fill(lane);
    },
    ended: () => checkIdle(),
  });

  const release = (lane: Lane, { entry: { id, leaseId } }: Job) =>
    settlements.add({ lane, entry: undefined }, { id, leaseId, at: now(), outcome: 'release' });

  const sender = createSender({
    lanes,
    transports,
    map: deps.map,
    now,
    concurrent,
    signal: abort.signal,
    isOpen: () => state === 'running',
    release,
    attempted(lane, provider, { entries, outcome, durationMs, split }) {
      const at = now();
      metrics.took(lane.ref, durationMs / 1000);
      for (const entry of entries) {
        metrics.attempted(lane.ref, entry.type, outcome);
        if (debug) logger.debug({ ...about(entry), ...outcome, durationMs: Math.round(durationMs) }, 'attempted');
        if (split) continue;
        if (outcome.status === 'delivered') metrics.arrived(lane.ref, Math.max(0, at - entry.acceptedAt) / 1000);
        settlements.add({ lane, entry }, settle(entry, outcome, { now: at, random: random() }));
      }
      if (entries[0] && !split) judge(lane, provider, entries[0].alert, outcome, at);
    },
    mapped(lane, job, thrown) {
      if (thrown === undefined) {
        lanes.hold(lane, -1); // another entry is in its place now
        claimer.claim();
      } else if (isStoreFailure(thrown.error)) {
        release(lane, job);
        store.failed(thrown.error);
      } else {
        const { id, leaseId } = job.entry;
        const error = messageOf(thrown.error);
        settlements.add({ lane, entry: job.entry }, { id, leaseId, at: now(), outcome: 'dead-letter', error });
      }
    },
    ended: () => checkIdle(),
  });

  const judge = createJudge({
    logger,
    random,
    threshold: concurrent,
    report: deps.report,
    restChanged(lane) {
      lanes.restChanged(lane);
      claimer.claim(); // sets its timer anew
    },
    back(lane) {
      outbox.wake(lane.ref, now()).then(
        () => claimer.claim(),
        (thrown) => store.failed(thrown),
      );
    },
    stop(lane, provider, error, at) {
      const stop = { provider: lane.ref, fingerprint: provider.fingerprint, reason: error, at };
      roster.addStops([stop]);
      settlements.addStop(stop);
      lanes.follow();
    },
  });

  /** `entry` is left out of one that is only given back. */
  const settlements = createSettlements<{ readonly lane: Lane; readonly entry: ClaimedEntry | undefined }>({
    outbox,
    settled({ lane, entry }, settlement, kept) {
      lanes.hold(lane, -1);
      if (entry === undefined) return;
      if (!kept) logger.debug(about(entry), 'lease lost before the outcome was stored');
      else if (settlement.outcome === 'delivered') metrics.settled(lane.ref, entry.type, 'delivered');
      else if (settlement.outcome === 'dead-letter') deadLetter(entry, settlement.error);
    },
    written() {
      store.works();
      claimer.claim();
      checkIdle();
    },
    failed: (thrown) => store.failed(thrown),
  });

  const deadLetter = (entry: OutboxEntry, error: string) => {
    metrics.settled(entry.provider, entry.type, 'dead-letter');
    logger.error({ ...about(entry), error }, 'event became a dead letter');
  };

  const followRoster = () => {
    for (const lane of lanes.follow()) sender.fill(lane); // which gives its queue back
  };

  const reconciler = createReconciler({
    outbox,
    roster,
    store,
    now,
    isOpen: () => state !== 'draining',
    stopsKnown: followRoster,
    abandoned(provider, count, error) {
      metrics.settled(provider, 'unknown', 'dead-letter', count);
      logger.error({ provider: nameOf(provider), count, error }, 'events became dead letters');
    },
    expired: (entry) => deadLetter(entry, entry.lastError ?? 'not delivered within its max-age'),
    done() {
      configured = true;
      claimer.claim();
    },
  });

  let stopListening = () => {};
  let sweepTimer: NodeJS.Timeout | undefined;
  let whenIdle: (() => void) | undefined;

  const checkIdle = () => {
    if (whenIdle && lanes.sending === 0 && settlements.size === 0 && !claimer.busy) whenIdle();
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
      roster.replace(next);
      transports.retain(roster.fingerprints);
      followRoster();
      return reconciler.reconcile();
    },
    start() {
      if (state !== 'new') return;
      state = 'running';
      stopListening = outbox.onReady(() => claimer.claim());
      sweepTimer = setInterval(() => void reconciler.sweep(), deps.sweepMs ?? 30_000);
      claimer.claim();
    },
    async drain(timeoutMs) {
      state = 'draining';
      stopListening();
      clearInterval(sweepTimer);
      claimer.close();
      for (const lane of lanes.all()) sender.fill(lane); // which gives its queue back
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
