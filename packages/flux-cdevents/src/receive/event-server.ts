import { constants } from 'node:crypto';
import type { SecureContext, Server as TlsServer } from 'node:tls';
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
} from 'fastify';
import { LRUCache } from 'lru-cache';
import type { Acceptance } from '../contracts.ts';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import type { FluxEvent } from '../flux/event.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { limitBodies } from './body-limit.ts';
import { createResponder, isUnavailable } from './responder.ts';
import type { PeerCheck } from './spiffe.ts';
import type { TlsSource } from './tls-files.ts';
import { type WebhookDeps, webhookRoutes } from './webhook.ts';

/** Limits of the notification-controller's event server, v1.9.3. */
export const MAX_EVENT_BYTES = 3 * 1024 * 1024;
export const MAX_HEADER_BYTES = 256 * 1024;
/** The maximum size of the bodies that are received or wait for the store. */
const MAX_BODIES_BYTES = 24 * 1024 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Flux's recorder keeps idle connections for 90 s. The server must keep them longer, or an event meets a closing socket. */
const KEEP_ALIVE_MS = 120_000;

export interface EventServerDeps {
  /** Resolves once the event is durable. @param body as it was received */
  readonly accept: (event: FluxEvent, body: string) => Promise<Acceptance>;
  /**
   * Whether a sender may post. False: the request is answered with 401 before its body is read. Absent: everybody may
   * post. The webhook has its own check.
   * @throws {FluxCDEventsError} `FCE_AUTH_UNAVAILABLE` when this cannot be decided now; the answer is 503
   */
  readonly authenticate?: (authorization: string | undefined) => boolean | Promise<boolean>;
  /** Absent: there is no webhook. */
  readonly webhook?: WebhookDeps;
  /** Absent: plain HTTP. */
  readonly tls?: TlsSource;
  /** Whether the client of a connection may post, to the webhook as well. False: 401, and the connection is closed. */
  readonly peer?: PeerCheck;
  /** Label the HTTP metrics with the path of the route, and `other` for a path that has none, instead of `/`. */
  readonly exportPathMetrics: boolean;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly now: () => number;
}

/**
 * The event endpoint: `POST` to any path but those of the webhook, as in the notification-controller. Every answer has an
 * empty body, because Flux's recorder reads none and would otherwise hold the connection until its timeout.
 */
export function createEventServer(deps: EventServerDeps): FastifyInstance {
  const { accept, authenticate, peer, metrics, logger, now } = deps;
  const server = createServer(deps);
  const responder = createResponder(metrics, logger, now);
  const { answer, unavailable, take } = responder;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error.statusCode === 413) return answer(reply, 413, 'too_large');
    if (error.statusCode && error.statusCode < 500) return answer(reply, error.statusCode, 'invalid');
    logger.error({ error: messageOf(error) }, 'request failed');
    return answer(reply, 500, 'error');
  });
  // As in the notification-controller, the media type does not matter, not even one that is none.
  server.addHook('onRequest', (request, _reply, done) => {
    delete request.headers['content-type'];
    done();
  });
  server.setNotFoundHandler((_request, reply) => reply.code(405).header('Allow', 'POST').send());
  observeRequests(server, deps);
  limitBodies(server, { maxBytes: MAX_BODIES_BYTES, maxBodyBytes: MAX_EVENT_BYTES }, (reply) =>
    unavailable(reply, new FluxCDEventsError('FCE_STORE_UNAVAILABLE', 'too many large events wait to be stored')),
  );
  if (peer) {
    server.addHook('onRequest', async (request, reply) => {
      if (peer(request.raw.socket)) return;
      logger.info('request refused: its client certificate is not allowed to post');
      return answer(reply.header('Connection', 'close').header('WWW-Authenticate', 'mTLS'), 401, 'unauthorized');
    });
  }
  if (deps.webhook) webhookRoutes(server, deps.webhook, responder, logger);

  const onRequest = authenticate && [
    async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        if (await authenticate(request.headers.authorization)) return;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return unavailable(reply, error);
      }
      return answer(reply.header('WWW-Authenticate', 'Bearer'), 401, 'unauthorized');
    },
  ];
  server.post('*', { ...(onRequest && { onRequest }) }, (request, reply) => {
    if (isForWebhook(request.url)) return answer(reply, 404, 'not_found');
    const body = typeof request.body === 'string' ? request.body : '';
    return take(reply, body, (event) => accept(event, body), 429);
  });
  return server;
}

/** Creates the server with its limits, and with TLS when there are files for it. */
function createServer({ tls, peer, logger }: EventServerDeps): FastifyInstance {
  const http = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: 5_000,
  };
  const options = {
    bodyLimit: MAX_EVENT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: 0,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { ignoreDuplicateSlashes: true, maxParamLength: MAX_HEADER_BYTES },
    clientErrorHandler(error, socket) {
      if (!socket.writable) return;
      const status = statusLineOf((error as NodeJS.ErrnoException).code);
      socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    },
  } satisfies FastifyServerOptions;
  if (!tls) return fastify({ ...options, http });

  // A resumed session would not be checked against authorities that were removed since.
  const mutual = peer && { requestCert: true, rejectUnauthorized: true, secureOptions: constants.SSL_OP_NO_TICKET };
  const server = fastify({ ...options, https: { ...http, ...tls.current, ...mutual } });
  const tlsServer: TlsServer = server.server;
  tlsServer.on('tlsClientError', (error: NodeJS.ErrnoException) => {
    // A port probe that connects and goes away is not worth a log line.
    if (error.code !== 'ECONNRESET') logger.info({ error: messageOf(error) }, 'TLS handshake failed');
  });
  trustEveryAuthority(tlsServer);
  // Open connections keep the material that they were opened with.
  tls.onChange((material) => {
    tlsServer.setSecureContext({ ...material, ...mutual });
    trustEveryAuthority(tlsServer);
  });
  server.addHook('onClose', async () => tls.close());
  return server as unknown as FastifyInstance;
}

/**
 * Trusts an intermediate certificate among the authorities, and a client's own, without a root, as Go does. A TLS server of
 * Node.js 24 takes no `allowPartialTrustChain`, so this sets it on the context that `setSecureContext` created.
 */
function trustEveryAuthority(server: TlsServer): void {
  const { _sharedCreds } = server as unknown as { readonly _sharedCreds?: SecureContext };
  (_sharedCreds?.context as { setAllowPartialTrustChain?: () => void } | undefined)?.setAllowPartialTrustChain?.();
}

/**
 * Whether a path, which the router has decoded without an error, has a part `webhook`, however it is spelled. Its event is
 * meant for one Provider, so it must not be answered with 202 by the event endpoint, where no Alert selects it.
 */
const isForWebhook = (url: string): boolean =>
  /\/webhook(?:\/|$)/i.test(decodeURIComponent(url.split(/[?#]/, 1)[0] ?? ''));

const statusLineOf = (code: string | undefined): string => {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  return '400 Bad Request';
};

/** The metrics that the notification-controller has for its event server, names and labels unchanged. */
function observeRequests(server: FastifyInstance, { metrics, exportPathMetrics }: EventServerDeps): void {
  const handlerOf = (request: FastifyRequest) => (exportPathMetrics ? pathLabelOf(request) : '/');
  // Finding a metric by its labels costs more than counting, so the few that there are stay cached.
  const inflight = memoize((handler) => metrics.httpInflight.labels({ service: '', handler }));
  const answers = memoize((key) => {
    const [method = '', code = '', ...handler] = key.split(' ');
    const labels = { service: '', handler: handler.join(' '), method, code };
    return { duration: metrics.httpDuration.labels(labels), size: metrics.httpResponseSize.labels(labels) };
  });
  server.addHook('onRequest', (request, _reply, done) => {
    inflight(handlerOf(request)).inc();
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const handler = handlerOf(request);
    inflight(handler).dec();
    const { duration, size } = answers(`${request.method} ${reply.statusCode} ${handler}`);
    duration.observe(reply.elapsedTime / 1000);
    size.observe(0);
    done();
  });
}

/** Every caller chooses its path, so only those of routes have a series of their own. */
const pathLabelOf = ({ url, routeOptions }: FastifyRequest): string => {
  if (url.split('?', 1)[0] === '/') return '/';
  const route = routeOptions.url ?? '*';
  return route.endsWith('*') ? OTHER_PATHS : route;
};

const OTHER_PATHS = 'other';
const MAX_MEMOIZED = 1000;

function memoize<T extends object>(make: (key: string) => T): (key: string) => T {
  const made = new LRUCache<string, T>({ max: MAX_MEMOIZED, memoMethod: make });
  return (key) => made.memo(key);
}
