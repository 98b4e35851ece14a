import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { ConfigSnapshot } from './config/config-source.ts';
import { createDelivery } from './deliver/delivery.ts';
import { FluxCDEventsError, messageOf } from './errors.ts';
import { type NamespacedName, nameOf } from './flux/object-ref.ts';
import { createApiServer } from './http/api-server.ts';
import { createHealthServer } from './http/health-server.ts';
import { createMetricsServer } from './http/metrics-server.ts';
import { refreshGauges } from './http/refresh-gauges.ts';
import type { ApiClient } from './kube-api/api-client.ts';
import { connectToCluster } from './kube-api/connect.ts';
import { reviewToken } from './kube-api/token-review.ts';
import { mappingReader } from './mapping/file/read-mapping.ts';
import { createMatcher, type Matcher } from './match/matcher.ts';
import type { Logger } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { type OpenConfig, openConfig } from './open-config.ts';
import type { Address } from './options/address.ts';
import type { EventsOptions } from './options/events-options.ts';
import type { ServeOptions } from './options/serve-options.ts';
import { tokenFromFile } from './options/token-file.ts';
import type { Outbox } from './outbox/outbox.ts';
import { openSqliteOutbox } from './outbox/sqlite/sqlite-outbox.ts';
import { createPipeline } from './pipeline/accept.ts';
import { FORWARD_PROVIDER, forwardProvider, withForwarding } from './pipeline/forward.ts';
import { createEventSender } from './pipeline/send-test-event.ts';
import { createBearerCheck } from './receive/bearer.ts';
import { createEventServer, type EventServerDeps } from './receive/event-server.ts';
import { createPeerCheck } from './receive/spiffe.ts';
import { openTlsFiles } from './receive/tls-files.ts';
import { createTokenReviewCheck, fluxServiceAccounts } from './receive/token-review.ts';
import { createTransports } from './transport/create-transports.ts';
import { VERSION } from './version.ts';

/** The addresses that the servers really have: a port 0 was made one. */
export interface Addresses {
  readonly events: string;
  readonly metrics: string;
  readonly health: string;
  readonly ui: string;
}

export interface App {
  /**
   * Opens the store, listens, loads the configuration, delivers. Resolves when it is ready.
   * @throws {FluxCDEventsError} when the store, an address or the configuration folder cannot be had
   */
  start(): Promise<Addresses>;
  /** Takes no more events, lets deliveries in flight end for a while, releases everything. */
  stop(): Promise<void>;
}

/** Flux gives a stopping controller 10 s; what is in flight has less, so that the store closes in time. */
const DRAIN_MS = 5_000;
const PURGE_EVERY_MS = 60_000;

/** The composition root: the one place that knows which implementation stands behind which port. */
export function createApp(options: ServeOptions, logger: Logger, now: () => number = Date.now): App {
  const metrics = createMetrics();
  const defaults = {
    ...(options.cluster && { cluster: options.cluster }),
    ...(options.source && { source: options.source }),
  };
  const { forwardTo } = options.events;
  let configuration: { readonly snapshot: ConfigSnapshot; readonly matcher: Matcher } | undefined;
  const stops: (() => Promise<unknown> | unknown)[] = [];
  const onStop = (stop: () => Promise<unknown> | unknown) => void stops.push(stop);
  const connect = () => {
    const { kubeconfig, qps, burst } = options.kubernetes ?? {};
    return connectToCluster({
      ...(kubeconfig && { kubeconfig }),
      ...(qps && { qps }),
      ...(burst && { burst }),
      userAgent: `flux-cdevents/${VERSION}`,
    });
  };

  const listen = async (server: FastifyInstance, address: Address, name: string): Promise<string> => {
    const { host, port } = address;
    try {
      await server.listen({ host: host ?? '::', port }).catch((error: NodeJS.ErrnoException) => {
        // Every interface, on a machine without IPv6.
        if (host !== undefined || !['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(error.code ?? '')) throw error;
        return server.listen({ host: '0.0.0.0', port });
      });
    } catch (cause) {
      throw new FluxCDEventsError('FCE_LISTEN_FAILED', `${name} address: ${messageOf(cause)}`, { cause });
    }
    stops.push(() => server.close());
    const { address: bound, family, port: actual } = server.server.address() as AddressInfo;
    const scheme = server.server instanceof TlsServer ? 'https' : 'http';
    if (bound === '::' || bound === '0.0.0.0') return `${scheme}://127.0.0.1:${actual}`;
    return family === 'IPv6' ? `${scheme}://[${bound}]:${actual}` : `${scheme}://${bound}:${actual}`;
  };

  const startServers = async (outbox: Outbox, config: OpenConfig): Promise<Addresses> => {
    const pipeline = createPipeline({
      config: config.source,
      current: () => configuration,
      outbox,
      defaults,
      rateLimitIntervalMs: options.rateLimitIntervalMs,
      forward: forwardTo !== undefined,
      reports: config.reports,
      metrics,
      logger: logger.child({ logger: 'pipeline' }),
      now,
    });
    const transports = createTransports({
      userAgent: `flux-cdevents/${VERSION}`,
      concurrent: options.concurrent,
      now,
    });
    stops.push(() => transports.close());
    const delivery = createDelivery({
      outbox,
      transports: forwardTo === undefined ? transports : withForwarding(transports),
      map: (entry) => pipeline.expand(entry),
      logger,
      metrics,
      now,
      concurrent: options.concurrent,
      report({ provider, alert, state, error }) {
        if (state === 'recovered') return;
        config.refresh(provider); // it may refuse what its Secret said before
        config.reports.failing(provider, alert, state, error);
      },
    });
    stops.push(() => delivery.drain(DRAIN_MS));

    const eventsLogger = logger.child({ logger: 'event-server' });
    const events = createEventServer({
      accept: pipeline.accept,
      webhook: {
        provider: pipeline.provider,
        accept: pipeline.acceptFor,
        // files are read as they change; Secrets of a cluster now and then
        ...(options.kubernetes && { renew: renewalOf(config) }),
      },
      ...(await authenticationOf(options.events, { connect, logger: eventsLogger, now, onStop })),
      ...tlsOf(options.events, eventsLogger, now),
      exportPathMetrics: options.exportHttpPathMetrics,
      metrics,
      logger: eventsLogger,
      now,
    });
    const health = createHealthServer({ ready: () => (configuration ? [] : config.waitsFor()) });
    const scrape = createMetricsServer({
      metrics,
      refresh: () => refreshGauges({ metrics, outbox, snapshot: () => configuration?.snapshot, now }),
    });
    const api = createApiServer({
      outbox,
      snapshot: () => configuration?.snapshot,
      send: createEventSender({ outbox, snapshot: () => configuration?.snapshot, defaults, now }),
      ...(options.uiTokenFile && { token: tokenFromFile(options.uiTokenFile, now) }),
      logger: logger.child({ logger: 'api' }),
      now,
    });
    const addresses = {
      health: await listen(health, options.healthAddr, 'health'),
      metrics: await listen(scrape, options.metricsAddr, 'metrics'),
      events: await listen(events, options.eventsAddr, 'events'),
      ui: await listen(api, options.uiAddr, 'ui'),
    };

    const apply = (loaded: ConfigSnapshot): Promise<void> => {
      const { noCrossNamespaceRefs } = options;
      const snapshot = forwardTo === undefined ? loaded : addForwarding(loaded, forwardTo);
      configuration = { snapshot, matcher: createMatcher(snapshot.alerts, { noCrossNamespaceRefs }) };
      return delivery.configure(snapshot.providers);
    };
    stops.push(config.source.onChange((snapshot) => void apply(snapshot)));
    await config.source.start();
    const snapshot = config.source.snapshot();
    if (snapshot && !configuration) await apply(snapshot);
    delivery.start();
    return addresses;
  };

  return {
    async start() {
      const outbox = await openSqliteOutbox({ path: options.storePath, logger: logger.child({ logger: 'outbox' }) });
      stops.push(() => outbox.close());
      stops.push(keepTidy(outbox, options, logger, now));
      try {
        const config = await openConfig(options, { connect, readMapping: mappingReader, logger, onStop });
        const addresses = await startServers(outbox, config);
        logger.info({ ...addresses, config: config.name, store: options.storePath }, 'ready');
        return addresses;
      } catch (error) {
        await this.stop();
        throw error;
      }
    },
    async stop() {
      for (const stop of stops.splice(0).reverse()) await stop();
    },
  };
}

/** The notification-controller of `--forward-to` beside the Providers that are configured. */
const addForwarding = (snapshot: ConfigSnapshot, forwardTo: string): ConfigSnapshot => ({
  ...snapshot,
  providers: new Map([...snapshot.providers, [nameOf(FORWARD_PROVIDER), forwardProvider(forwardTo)]]),
});

interface AuthenticationDeps {
  readonly connect: () => Promise<ApiClient>;
  readonly logger: Logger;
  readonly now: () => number;
  readonly onStop: (stop: () => Promise<unknown> | unknown) => void;
}

/** An API server and the snapshot after it need a fraction of it. */
const RENEWAL_MS = 500;

const renewalOf =
  ({ refresh }: Pick<OpenConfig, 'refresh'>) =>
  (provider: NamespacedName): Promise<void> => {
    refresh(provider);
    return sleep(RENEWAL_MS, undefined, { ref: false });
  };

/** How the senders of events show who they are. */
async function authenticationOf(
  { auth }: EventsOptions,
  { connect, logger, now, onStop }: AuthenticationDeps,
): Promise<Pick<EventServerDeps, 'authenticate'>> {
  if (auth.how === 'none') return {};
  if (auth.how === 'bearer-file') return { authenticate: createBearerCheck(tokenFromFile(auth.file, now)) };
  const client = await connect();
  onStop(() => client.close());
  const { audience } = auth;
  const namespace = process.env.RUNTIME_NAMESPACE || client.namespace || 'flux-system';
  const serviceAccounts = auth.serviceAccounts.length > 0 ? auth.serviceAccounts : fluxServiceAccounts(namespace);
  logger.info({ audience, serviceAccounts: serviceAccounts.map(nameOf) }, 'events need a token of a ServiceAccount');
  const review = (token: string, signal: AbortSignal) => reviewToken(client, { token, audience, signal });
  return { authenticate: createTokenReviewCheck({ review, audience, serviceAccounts, now }) };
}

function tlsOf({ tls }: EventsOptions, logger: Logger, now: () => number): Pick<EventServerDeps, 'tls' | 'peer'> {
  if (!tls) return {};
  const { spiffeIds, ...files } = tls;
  const ids = spiffeIds.length > 0 ? new Set(spiffeIds) : undefined;
  return { tls: openTlsFiles(files, logger), ...(files.clientCa && { peer: createPeerCheck(ids, now) }) };
}

/** Removes what retention no longer keeps, a little at a time. @returns a function that ends it */
function keepTidy(outbox: Outbox, { retention }: ServeOptions, logger: Logger, now: () => number): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const later = (ms: number) => {
    if (!stopped) timer = setTimeout(tidy, ms).unref();
  };
  const tidy = () => {
    outbox.purge(retention, now()).then(
      (removed) => later(removed > 0 ? 100 : PURGE_EVERY_MS),
      (error) => {
        logger.error({ error: messageOf(error) }, 'retention not applied now');
        later(PURGE_EVERY_MS);
      },
    );
  };
  later(PURGE_EVERY_MS);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
