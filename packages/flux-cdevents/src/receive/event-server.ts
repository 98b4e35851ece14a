import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { type FluxEvent, parseFluxEvent } from '../flux/event.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';

/** Limits of the notification-controller's event server, v1.9.3. */
export const MAX_EVENT_BYTES = 3 * 1024 * 1024;
export const MAX_HEADER_BYTES = 256 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Flux's recorder keeps idle connections for 90 s; ours must outlive them, or an event meets a closing socket. */
const KEEP_ALIVE_MS = 120_000;
/** A wait for the sender that is well under its own 5 s of patience. */
const RETRY_AFTER_UNAVAILABLE_S = 1;

export interface EventServerDeps {
  /** Resolves once the event is durable. */
  readonly accept: (
    event: FluxEvent,
  ) => Promise<
    { readonly status: 'stored' | 'nothing' } | { readonly status: 'duplicate'; readonly retryAfterMs: number }
  >;
  /** False: the request is answered 401. Absent: everybody may post. */
  readonly authenticate?: (authorization: string | undefined) => boolean;
  /** Label the HTTP metrics with the request path instead of `/`. */
  readonly exportPathMetrics: boolean;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly now: () => number;
}

type Result = 'stored' | 'nothing' | 'duplicate' | 'invalid' | 'too_large' | 'unauthorized' | 'unavailable' | 'error';

/**
 * The event endpoint: `POST` to any path, as the notification-controller takes it. Every answer has an empty body,
 * because Flux's recorder reads none and would hold the connection until its time-out otherwise.
 */
export function createEventServer(deps: EventServerDeps): FastifyInstance {
  const { accept, authenticate, metrics, logger, now } = deps;
  const server = fastify({
    bodyLimit: MAX_EVENT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: 0,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 5_000 },
    exposeHeadRoutes: false,
    clientErrorHandler(error, socket) {
      if (!socket.writable) return;
      const status = statusLineOf((error as NodeJS.ErrnoException).code);
      socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    },
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  const answer = (reply: FastifyReply, status: number, result: Result) => {
    metrics.eventsReceived.inc({ result });
    return reply.code(status).send();
  };

  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error.statusCode === 413) return answer(reply, 413, 'too_large');
    if (error.statusCode && error.statusCode < 500) return answer(reply, error.statusCode, 'invalid');
    logger.error({ error: messageOf(error) }, 'request failed');
    return answer(reply, 500, 'error');
  });
  server.setNotFoundHandler((_request, reply) => reply.code(405).header('Allow', 'POST').send());
  observeRequests(server, deps);

  server.post('*', async (request, reply) => {
    if (authenticate && !authenticate(request.headers.authorization)) {
      return answer(reply.header('WWW-Authenticate', 'Bearer'), 401, 'unauthorized');
    }
    let event: FluxEvent;
    try {
      event = parseFluxEvent(typeof request.body === 'string' ? request.body : '', now());
    } catch (error) {
      logger.error({ error: messageOf(error) }, 'event refused');
      return answer(reply, 400, 'invalid');
    }
    try {
      const acceptance = await accept(event);
      if (acceptance.status !== 'duplicate') return answer(reply, 202, acceptance.status);
      reply.header('Retry-After', Math.max(1, Math.ceil(acceptance.retryAfterMs / 1000)));
      return answer(reply, 429, 'duplicate');
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      logger.error({ error: messageOf(error), ...subjectOf(event) }, 'event not taken now');
      return answer(reply.header('Retry-After', RETRY_AFTER_UNAVAILABLE_S), 503, 'unavailable');
    }
  });
  return server;
}

const isUnavailable = (error: unknown): boolean =>
  error instanceof FluxCDEventsError && ['FCE_CONFIG_NOT_LOADED', 'FCE_STORE_UNAVAILABLE'].includes(error.code);

const subjectOf = ({ involvedObject, reason }: FluxEvent) => ({ involvedObject, reason });

const statusLineOf = (code: string | undefined): string => {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  return '400 Bad Request';
};

/** The metrics that the notification-controller has for its event server, names and labels unchanged. */
function observeRequests(server: FastifyInstance, { metrics, exportPathMetrics }: EventServerDeps): void {
  const handlerOf = (request: FastifyRequest) => (exportPathMetrics ? request.url : '/');
  // Looking a metric up by its labels costs more than counting: there are few, so they are kept.
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

const MAX_MEMOIZED = 1000;

function memoize<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    if (made.size < MAX_MEMOIZED) made.set(key, value);
    return value;
  };
}
