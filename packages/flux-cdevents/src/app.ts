import { setTimeout as sleep } from 'node:timers/promises';
import { type ConfigSnapshot, isComplete } from './config/config-source.ts';
import { configReadiness } from './config/readiness.ts';
import type { Acceptance } from './contracts.ts';
import { createDeliveryEngine } from './deliver/engine.ts';
import { FluxCDEventsError, messageOf } from './errors.ts';
import { type NamespacedName, nameOf } from './flux/object-ref.ts';
import { createApiServer } from './http/api-server.ts';
import { createHealthServer } from './http/health-server.ts';
import { createMetricsServer } from './http/metrics-server.ts';
import { refreshGauges } from './http/refresh-gauges.ts';
import { connectOnce } from './kube-api/connect.ts';
import type { KubeClient } from './kube-api/kube-client.ts';
import { reviewToken } from './kube-api/token-review.ts';
import { steadyNow } from './lib/steady-now.ts';
import { createLifecycle } from './lifecycle.ts';
import { readMappingForUse } from './mapping/compiled.ts';
import { createLongMatches } from './match/long-matches.ts';
import { createMatcher, type Matcher } from './match/matcher.ts';
import type { Logger } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { type OpenConfig, openConfig } from './open-config.ts';
import type { EventsOptions } from './options/events-options.ts';
import { runtimeNamespace } from './options/kubernetes-options.ts';
import type { ServeOptions } from './options/serve-options.ts';
import { tokenFromFile } from './options/token-file.ts';
import type { Outbox } from './outbox/outbox.ts';
import { openSqliteOutbox } from './outbox/sqlite/sqlite-outbox.ts';
import { createPipeline } from './pipeline/accept.ts';
import { FORWARD_PROVIDER, forwardProvider, isForwardProvider } from './pipeline/forward.ts';
import { createTestEventSender } from './pipeline/send-test-event.ts';
import { createBearerCheck } from './receive/bearer.ts';
import { createEventServer, type EventServerDeps } from './receive/event-server.ts';
import { createPeerCheck } from './receive/spiffe.ts';
import { openTlsFiles } from './receive/tls-files.ts';
import { createTokenReviewCheck, fluxServiceAccounts } from './receive/token-review-check.ts';
import { createTransports } from './transport/create-transports.ts';
import { withForwarding } from './transport/forwarding.ts';
import { VERSION } from './version.ts';

/** The URLs of the servers, with the ports that they listen on. */
export interface Addresses {
  readonly events: string;
  readonly metrics: string;
  readonly health: string;
  readonly ui: string;
}

export interface App {
  /**
   * Opens the store, listens, loads the configuration, delivers. Resolves when the app is ready.
   * @throws {FluxCDEventsError} when it cannot use the store, an address or the configuration folder, and `FCE_STOPPED`
   * when `stop` is called before it is ready
   */
  start(): Promise<Addresses>;
  /**
   * Resolves when only a restart helps, since the store failed. From then on the app is neither ready nor alive, and it
   * accepts nothing. The caller stops it.
   */
  readonly failed: Promise<FluxCDEventsError>;
  /**
   * Takes no more events, lets deliveries in flight end for a while, and releases everything. A start under way is
   * cancelled. An app starts once: afterwards, create another one.
   */
  stop(): Promise<void>;
}

/** A Flux controller has 10 s to stop. Requests in flight have less, so that the store closes in time. */
const DRAIN_MS = 5_000;
const PURGE_EVERY_MS = 60_000;
/** The pause while there is more to remove, so that events are handled in between. */
const PURGE_AGAIN_MS = 100;

/** The composition root: the one place that knows which implementation stands behind which port. */
export function createApp(options: ServeOptions, logger: Logger, now: () => number = Date.now): App {
  const metrics = createMetrics();
  const defaults = {
    ...(options.cluster && { cluster: options.cluster }),
    ...(options.source && { source: options.source }),
  };
  const { forwardTo } = options.events;
  const lifecycle = createLifecycle();
  const { promise: failed, resolve: reportFailure } = Promise.withResolvers<FluxCDEventsError>();
  let failure: FluxCDEventsError | undefined;
  const follow = (outbox: Outbox): void =>
    void outbox.failed.then((error) => {
      failure = error;
      logger.error({ code: error.code, error: error.message }, 'the store failed; stopping');
      reportFailure(error);
    });
  /** Once the store has failed, nothing is answered as accepted, not even what needs no store. */
  const whileStoreWorks =
    <A extends unknown[]>(accept: (...event: A) => Promise<Acceptance>) =>
    async (...event: A): Promise<Acceptance> => {
      const acceptance = await accept(...event);
      if (failure) throw new FluxCDEventsError('FCE_STORE_UNAVAILABLE', failure.message, { cause: failure });
      return acceptance;
    };
  let configuration: { readonly snapshot: ConfigSnapshot; readonly matcher: Matcher } | undefined;
  const { kubeconfig, qps, burst } = options.kubernetes ?? {};
  const kubeApi = connectOnce({
    ...(kubeconfig && { kubeconfig }),
    ...(qps && { qps }),
    ...(burst && { burst }),
    userAgent: `flux-cdevents/${VERSION}`,
  });

  const startServers = async (outbox: Outbox, config: OpenConfig): Promise<Addresses> => {
    const longMatches = createLongMatches();
    lifecycle.onStop(() => longMatches.close());
    const pipeline = createPipeline({
      config: config.source,
      current: () => configuration,
      longMatch: longMatches.match,
      outbox,
      defaults,
      rateLimitIntervalMs: options.rateLimitIntervalMs,
      forward: forwardTo !== undefined,
      reports: config.reports,
      metrics,
      logger: logger.child({ logger: 'pipeline' }),
    });
    const transports = createTransports({
      userAgent: `flux-cdevents/${VERSION}`,
      concurrent: options.concurrent,
      now,
    });
    lifecycle.onStop(() => transports.close());
    const delivery = createDeliveryEngine({
      outbox,
      transports: withForwarding(transports, ({ ref }) => isForwardProvider(ref)),
      map: (entry) => pipeline.mapWaiting(entry),
      logger,
      metrics,
      wallNow: steadyNow, // as the store's
      concurrent: options.concurrent,
      report({ provider, alert, state, error }) {
        if (state === 'recovered') return;
        config.refresh(provider); // the receiver may refuse credentials that have changed since
        config.reports.failing(provider, alert, state, error);
      },
    });
    lifecycle.onStop(() => delivery.drain(failure ? 0 : DRAIN_MS));

    const eventsLogger = logger.child({ logger: 'event-server' });
    const events = createEventServer({
      accept: whileStoreWorks(pipeline.accept),
      webhook: {
        provider: pipeline.provider,
        accept: whileStoreWorks(pipeline.acceptFor),
        // Files are read as soon as they change, but the Secrets of a cluster only from time to time.
        ...(options.kubernetes && { renew: renewalOf(config) }),
      },
      ...(await authenticationOf(options.events, { connect: kubeApi.connect, logger: eventsLogger, now })),
      ...tlsOf(options.events, eventsLogger, now),
      exportPathMetrics: options.exportHttpPathMetrics,
      metrics,
      logger: eventsLogger,
      now,
    });
    const health = createHealthServer({
      ready: () => [...configReadiness(config.source), ...[outbox.refusing()].filter((why) => why !== undefined)],
      dead: () => failure?.message,
    });
    const scrape = createMetricsServer({
      metrics,
      refresh: () => refreshGauges({ metrics, outbox, snapshot: () => configuration?.snapshot }),
    });
    const api = createApiServer({
      outbox,
      snapshot: () => configuration?.snapshot,
      send: createTestEventSender({ outbox, snapshot: () => configuration?.snapshot, defaults, now }),
      ...(options.uiTokenFile && { token: tokenFromFile(options.uiTokenFile, steadyNow) }),
      logger: logger.child({ logger: 'api' }),
      now: steadyNow,
    });
    const addresses = {
      health: await lifecycle.listen(health, options.healthAddr, 'health'),
      metrics: await lifecycle.listen(scrape, options.metricsAddr, 'metrics'),
      events: await lifecycle.listen(events, options.eventsAddr, 'events'),
      ui: await lifecycle.listen(api, options.uiAddr, 'ui'),
    };

    const apply = (loaded: ConfigSnapshot) => {
      const { noCrossNamespaceRefs } = options;
      const snapshot = forwardTo === undefined ? loaded : addForwarding(loaded, forwardTo);
      configuration = { snapshot, matcher: createMatcher(snapshot.alerts, { noCrossNamespaceRefs }) };
      void delivery.configure(snapshot.providers, { complete: isComplete(snapshot) });
    };
    lifecycle.onStop(config.source.onChange(apply));
    await config.source.start();
    lifecycle.signal.throwIfAborted();
    delivery.start();
    return addresses;
  };

  return {
    failed,
    start: () =>
      lifecycle.start(async () => {
        const { storePath: path } = options;
        const outbox = await lifecycle.open(
          openSqliteOutbox({ path, logger: logger.child({ logger: 'outbox' }), signal: lifecycle.signal }),
          (opened) => opened.close(),
        );
        follow(outbox);
        lifecycle.repeat(PURGE_EVERY_MS, () => applyRetention(outbox, options, logger));
        lifecycle.onStop(() => kubeApi.close());
        const config = await openConfig(options, {
          connect: kubeApi.connect,
          readMapping: readMappingForUse,
          logger,
          onStop: lifecycle.onStop,
        });
        const addresses = await startServers(outbox, config);
        logger.info({ ...addresses, config: config.name, store: path }, 'ready');
        return addresses;
      }),
    stop: () => lifecycle.stop(DRAIN_MS),
  };
}

/** Adds the notification-controller of `--forward-to` to the configured Providers. */
const addForwarding = (snapshot: ConfigSnapshot, forwardTo: string): ConfigSnapshot => ({
  ...snapshot,
  providers: new Map([...snapshot.providers, [nameOf(FORWARD_PROVIDER), forwardProvider(forwardTo)]]),
});

interface AuthenticationDeps {
  readonly connect: () => Promise<KubeClient>;
  readonly logger: Logger;
  readonly now: () => number;
}

/**
 * How long a webhook request waits for the Secrets of its Provider to be read again. Reading them and applying the change
 * takes a fraction of this time. Every request waits for all of it, because a delay that differs would reveal which
 * Providers exist.
 */
const RENEWAL_MS = 500;

/** Reads the Secrets of a Provider again, for `WebhookDeps.renew`. */
const renewalOf =
  ({ refresh }: Pick<OpenConfig, 'refresh'>) =>
  (provider: NamespacedName): Promise<void> => {
    refresh(provider);
    return sleep(RENEWAL_MS, undefined, { ref: false });
  };

/** How the senders of events are authenticated. */
async function authenticationOf(
  { auth }: EventsOptions,
  { connect, logger, now }: AuthenticationDeps,
): Promise<Pick<EventServerDeps, 'authenticate'>> {
  if (auth.how === 'none') return {};
  if (auth.how === 'bearer-file') return { authenticate: createBearerCheck(tokenFromFile(auth.file, steadyNow)) };
  const client = await connect();
  const { audience } = auth;
  const namespace = runtimeNamespace() ?? client.namespace ?? 'flux-system';
  const serviceAccounts = auth.serviceAccounts.length > 0 ? auth.serviceAccounts : fluxServiceAccounts(namespace);
  logger.info({ audience, serviceAccounts: serviceAccounts.map(nameOf) }, 'events need the token of a ServiceAccount');
  const review = (token: string, signal: AbortSignal) => reviewToken(client, { token, audience, signal });
  return { authenticate: createTokenReviewCheck({ review, audience, serviceAccounts, now }) };
}

function tlsOf({ tls }: EventsOptions, logger: Logger, now: () => number): Pick<EventServerDeps, 'tls' | 'peer'> {
  if (!tls) return {};
  const { spiffeIds, ...files } = tls;
  const ids = spiffeIds.length > 0 ? new Set(spiffeIds) : undefined;
  return { tls: openTlsFiles(files, logger), ...(files.clientCa && { peer: createPeerCheck(ids, now) }) };
}

/** Removes what retention no longer keeps, in small steps. @returns the milliseconds until the next step */
async function applyRetention(outbox: Outbox, { retention }: ServeOptions, logger: Logger): Promise<number> {
  try {
    return (await outbox.purge(retention)) > 0 ? PURGE_AGAIN_MS : PURGE_EVERY_MS;
  } catch (error) {
    logger.error({ error: messageOf(error) }, 'could not apply the retention; will try again later');
    return PURGE_EVERY_MS;
  }
}
