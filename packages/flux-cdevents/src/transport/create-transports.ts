import { Pool, ProxyAgent } from 'undici';
import type { Endpoint, ReadyProvider } from '../provider/provider.ts';
import { createHttpTransport } from './http.ts';
import { proxyFromEnv } from './proxy-from-env.ts';
import type { Transport } from './transport.ts';

export interface TransportsOptions {
  /** `flux-cdevents/1.2.3`. @default 'flux-cdevents' */
  readonly userAgent?: string;
  /** Requests in flight for one Provider: as many connections are kept. @default 16 */
  readonly concurrent?: number;
  /** Where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are looked up. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Epoch ms: what a `Retry-After` date is compared with. @default Date.now */
  readonly now?: () => number;
}

/** The Transports of all Providers. */
export interface Transports {
  /** The Transport of this Provider as it is now: the same one while its fingerprint stays the same. */
  forProvider(provider: ReadyProvider): Transport;
  /** Forgets the Transports under other fingerprints; they are closed when their requests have ended. */
  retain(fingerprints: ReadonlySet<string>): void;
  /** Resolves when the requests under way have ended. */
  close(): Promise<void>;
}

/** An idle connection is kept so long, unless the receiver names its own time (`Keep-Alive: timeout=…`). */
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
      .catch(() => {}) // what it failed to close is gone
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

/** The credentials of a proxy in the environment stand in its URL; take them apart, so that the URL can be shown. */
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

function createDispatcher(endpoint: Endpoint, proxy: Endpoint['proxy'], connections: number) {
  const tls = { ...endpoint.tls };
  const options = {
    connections,
    pipelining: 1,
    allowH2: false, // HTTP/1.1, as the notification-controller speaks it
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectTimeout: endpoint.timeoutMs,
    // an attempt has one time limit of its own, over all its phases
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  if (!proxy)
    return new Pool(new URL(endpoint.address).origin, { ...options, connect: { ...tls, timeout: endpoint.timeoutMs } });
  return new ProxyAgent({
    ...options,
    uri: proxy.url,
    ...(proxy.authorization !== undefined && { token: proxy.authorization }),
    requestTls: tls,
    proxyTls: tls,
  });
}
