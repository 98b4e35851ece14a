import { createHash } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { messageOf } from '../errors.ts';
import { createHttpDispatcher, type TlsSettings } from '../lib/http-dispatcher.ts';
import { sleep } from '../lib/sleep.ts';
import { createTokenBucket } from '../lib/token-bucket.ts';
import type { ApiAccess, Credentials } from './access.ts';
import { readLines } from './read-lines.ts';

export interface ApiRequest {
  /** @default 'GET' */
  readonly method?: 'GET' | 'POST' | 'PATCH';
  /** From the root of the server, with its query. */
  readonly path: string;
  /** @default 'application/json' */
  readonly accept?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** @default 'application/json' */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

/** What the API server answered. A failure status is an answer too, not an exception. */
export interface ApiResponse {
  readonly status: number;
  /** The parsed JSON; undefined when the body is not JSON. */
  readonly body: unknown;
}

/** One line of a watch. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: unknown;
}

/** A client of one API server. */
export interface KubeClient {
  readonly server: string;
  /** The namespace of the credentials. */
  readonly namespace: string | undefined;
  /** @throws when no answer came: no connection, a time-out, an aborted signal */
  request(request: ApiRequest): Promise<ApiResponse>;
  /**
   * Opens a watch. The iteration ends when the API server ends the watch or sends nothing for too long, and throws when
   * the connection breaks. When the API server refuses the watch, its answer is returned.
   */
  watch(path: string, signal: AbortSignal): Promise<ApiResponse | { readonly events: AsyncIterable<WatchEvent> }>;
  /** Aborts all requests and watches. */
  close(): Promise<void>;
}

export interface KubeClientOptions {
  readonly access: ApiAccess;
  /** Requests a second. @default 50 */
  readonly qps?: number;
  /** Requests at once. @default 300 */
  readonly burst?: number;
  /** @default 'flux-cdevents' */
  readonly userAgent?: string;
  /** How long a watch may be silent. @default 240,000 */
  readonly watchIdleMs?: number;
}

/** An API server under load may need this long to list 500 large objects. */
const REQUEST_TIMEOUT_MS = 30_000;
/** API servers send a bookmark every minute or two: a watch that is silent for longer may have lost its connection. */
const WATCH_IDLE_MS = 240_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** How often a request is repeated that the API server refused with 429. */
const MAX_THROTTLED = 3;
/** The longest `Retry-After` that is waited for. */
const MAX_RETRY_AFTER_MS = 10_000;

/**
 * Creates a client that reuses its connections: the official one opens a new connection for every request, and only
 * provides the credentials here.
 */
export function createKubeClient({
  access,
  qps = 50,
  burst = 300,
  userAgent = 'flux-cdevents',
  watchIdleMs = WATCH_IDLE_MS,
}: KubeClientOptions): KubeClient {
  /** The client-side limit of the Flux controllers: `--kube-api-qps`, `--kube-api-burst`. */
  const limit = createTokenBucket({ intervalMs: 1000 / qps, burst });
  const closing = new AbortController();
  let kept: { readonly identity: string; readonly dispatcher: Dispatcher } | undefined;

  const dispatcherFor = (tls: TlsSettings): Dispatcher => {
    const identity = identityOf(tls);
    if (kept?.identity !== identity) {
      void kept?.dispatcher.close(); // once its watches have ended
      kept = { identity, dispatcher: createDispatcher(access, tls) };
    }
    return kept.dispatcher;
  };

  const send = async (request: ApiRequest, idleMs: number): Promise<Dispatcher.ResponseData> => {
    const { method = 'GET', path, accept = 'application/json', body, contentType = 'application/json' } = request;
    const signal = request.signal ? AbortSignal.any([request.signal, closing.signal]) : closing.signal;
    const attempt = async ({ headers, tls }: Credentials) =>
      dispatcherFor(tls).request({
        origin: new URL(access.server).origin,
        path: `${new URL(access.server).pathname.replace(/\/$/, '')}${path}`,
        method,
        headers: {
          ...headers,
          accept,
          'user-agent': userAgent,
          ...(body !== undefined && { 'content-type': contentType }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal,
        headersTimeout: REQUEST_TIMEOUT_MS,
        bodyTimeout: idleMs,
      });
    for (let throttled = 0, renewed = false; ; ) {
      await limit.take(signal);
      const response = await attempt(await access.credentials());
      if (response.statusCode === 401 && !renewed) {
        renewed = true;
        await response.body.dump();
        access.renew();
      } else if (response.statusCode === 429 && throttled < MAX_THROTTLED) {
        throttled++;
        await response.body.dump();
        const seconds = Number(response.headers['retry-after'] ?? 1);
        await sleep(Math.min((Number.isFinite(seconds) ? seconds : 1) * 1000, MAX_RETRY_AFTER_MS), signal);
      } else return response;
    }
  };

  const answer = async ({ statusCode, body }: Dispatcher.ResponseData): Promise<ApiResponse> => {
    const text = await body.text();
    return { status: statusCode, body: parseJson(text) };
  };

  return {
    server: access.server,
    namespace: access.namespace,
    request: async (request) => answer(await send(request, REQUEST_TIMEOUT_MS)),
    async watch(path, signal) {
      const response = await send({ path, signal }, watchIdleMs);
      if (response.statusCode !== 200) return answer(response);
      return { events: watchEvents(response.body) };
    },
    async close() {
      closing.abort();
      await kept?.dispatcher.destroy();
    },
  };
}

async function* watchEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent> {
  try {
    for await (const line of readLines(body)) {
      if (line !== '') yield JSON.parse(line) as WatchEvent;
    }
  } catch (error) {
    // a silent watch ends like one that the API server ends: the caller resumes it on a new connection
    if ((error as NodeJS.ErrnoException).code !== 'UND_ERR_BODY_TIMEOUT') throw error;
  }
}

const createDispatcher = ({ server, proxy }: ApiAccess, tls: TlsSettings): Dispatcher =>
  createHttpDispatcher({
    address: server,
    tls,
    proxy: proxy === undefined ? undefined : { url: proxy },
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  });

/** Connections are reused while the client certificate and the trusted authorities stay the same. */
const identityOf = (tls: TlsSettings): string => {
  const hash = createHash('sha256');
  for (const part of [tls.ca, tls.cert, tls.key, tls.servername, String(tls.rejectUnauthorized)]) {
    hash.update(part ?? '').update('\0');
  }
  return hash.digest('base64');
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Whether the API server says that there is no such object. A 404 for the type, or of a proxy, says nothing of the object. */
export function isNotFound({ status, body }: ApiResponse, name: string): boolean {
  const { reason, details } = (body ?? {}) as { reason?: unknown; details?: { readonly name?: unknown } | null };
  return status === 404 && reason === 'NotFound' && details?.name === name;
}

/** Describes a failure status: `403 Forbidden: secrets "hub" is forbidden: …`. */
export function describeAnswer({ status, body }: ApiResponse): string {
  const { reason, message } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const parts = [typeof reason === 'string' ? `${status} ${reason}` : String(status)];
  if (typeof message === 'string' && message !== '') parts.push(message);
  return parts.join(': ');
}

/** Describes why no answer came; undici puts the reason of a refused connection into the cause. */
export const describeNoAnswer = (thrown: unknown): string => {
  const { code, cause } = (thrown instanceof Error ? thrown : {}) as { code?: unknown; cause?: unknown };
  const text = messageOf(thrown) || (typeof code === 'string' ? code : 'no answer');
  return cause instanceof Error && cause.message !== '' ? `${text}: ${cause.message}` : text;
};
