import { createHttpDispatcher } from '../lib/http-dispatcher.ts';
import { mask } from '../observe/mask.ts';
import { credentialsOf } from '../provider/endpoint/credentials.ts';
import { basicAuthorization, splitUrl } from '../provider/endpoint/url.ts';
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
      const fromEnv = endpoint.proxy ? undefined : proxyOf(proxyFromEnv(endpoint.address, env));
      const proxy = endpoint.proxy ?? fromEnv?.proxy;
      const secrets = [...endpoint.secrets, ...(fromEnv?.secrets ?? [])];
      const where = new URL(proxy?.url ?? endpoint.address).origin;
      const isShown = (proxy !== undefined || !endpoint.addressIsSecret) && mask(where, secrets) === where;
      const transport = createHttpTransport({
        provider: { ...provider, endpoint: { ...endpoint, secrets } },
        dispatcher: createDispatcher(endpoint, proxy, concurrent),
        userAgent,
        where: isShown ? where : undefined,
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
function proxyOf(address: string | undefined) {
  if (address === undefined) return undefined;
  const { url, username, password = '', secrets } = splitUrl(address);
  if (username === undefined) return { proxy: { url }, secrets };
  const authorization = basicAuthorization(username, password);
  return { proxy: { url, authorization }, secrets: [...secrets, credentialsOf(authorization)] };
}

const createDispatcher = ({ address, tls, timeoutMs }: Endpoint, proxy: Endpoint['proxy'], connections: number) =>
  createHttpDispatcher({
    address,
    ...(tls && { tls }),
    proxy,
    connectTimeoutMs: timeoutMs,
    pool: {
      connections,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // each attempt has its own time limit, which covers all phases
      headersTimeout: 0,
      bodyTimeout: 0,
    },
  });
