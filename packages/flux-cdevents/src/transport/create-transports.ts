import { createHttpDispatcher } from '../lib/http-dispatcher.ts';
import type { Endpoint } from '../provider/provider.ts';
import { createHttpTransport } from './http.ts';
import { proxyFromEnv } from './proxy-from-env.ts';
import type { Transport, Transports } from './transport.ts';

export interface TransportsOptions {
  /** `flux-cdevents/1.2.3`. @default 'flux-cdevents' */
  readonly userAgent?: string;
  /** The maximum number of requests in flight, and so of connections, for one Provider. @default 16 */
  readonly concurrent?: number;
  /** The environment with `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The clock for dates in `Retry-After`, epoch ms. @default Date.now */
  readonly now?: () => number;
}

/** How long an idle connection is kept, unless the receiver sets its own time (`Keep-Alive: timeout=…`). */
const KEEP_ALIVE_MS = 30_000;

export function createTransports({
  userAgent = 'flux-cdevents',
  concurrent = 16,
  env = process.env,
  now = Date.now,
}: TransportsOptions = {}): Transports {
  const transports = new Map<string, Transport>();
  const closing = new Set<Promise<void>>();

  const close = (fingerprint: string, transport: Transport) => {
    transports.delete(fingerprint);
    const closed = transport
      .close()
      .catch(() => {}) // nothing is left that could be closed
      .finally(() => closing.delete(closed));
    closing.add(closed);
  };

  return {
    forProvider(provider) {
      const known = transports.get(provider.fingerprint);
      if (known) return known;
      const { endpoint } = provider;
      const proxy = endpoint.proxy ?? proxyOf(proxyFromEnv(endpoint.address, env));
      const transport = createHttpTransport({
        provider,
        dispatcher: createDispatcher(endpoint, proxy, concurrent),
        userAgent,
        where: proxy
          ? new URL(proxy.url).origin
          : endpoint.addressIsSecret
            ? undefined
            : new URL(endpoint.address).origin,
        proxied: proxy !== undefined,
        now,
      });
      transports.set(provider.fingerprint, transport);
      return transport;
    },
    retain(fingerprints) {
      for (const [fingerprint, transport] of transports) {
        if (!fingerprints.has(fingerprint)) close(fingerprint, transport);
      }
    },
    async close() {
      for (const [fingerprint, transport] of transports) close(fingerprint, transport);
      await Promise.all(closing);
    },
  };
}

/** Separates the credentials from the URL of a proxy in the environment, so that the URL can be shown. */
function proxyOf(address: string | undefined): Endpoint['proxy'] {
  if (address === undefined) return undefined;
  const url = new URL(address);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (username === '') return { url: url.href };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url: url.href, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

const createDispatcher = ({ address, tls, timeoutMs }: Endpoint, proxy: Endpoint['proxy'], connections: number) =>
  createHttpDispatcher({
    address,
    ...(tls && { tls }),
    proxy,
    connectTimeoutMs: timeoutMs,
    allowH2: false, // the notification-controller uses HTTP/1.1 as well
    pool: {
      connections,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // each attempt has its own time limit, which covers all phases
      headersTimeout: 0,
      bodyTimeout: 0,
    },
  });
