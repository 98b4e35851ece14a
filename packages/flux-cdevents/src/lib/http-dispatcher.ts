import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { buildConnector, type Dispatcher, Pool, ProxyAgent } from 'undici';
import { skipInformational } from './skip-informational.ts';

/** How a server is verified, and what it is shown. As `tls.connect` takes them. */
export interface TlsSettings {
  /** With authorities, those of the system are not used. */
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name that is asked for and that the certificate must have. @default the host of the URL */
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface HttpDispatcherOptions {
  /** An http or https URL. Requests go to its origin. */
  readonly address: string;
  readonly tls?: TlsSettings;
  readonly proxy?: { readonly url: string; readonly authorization?: string } | undefined;
  readonly connectTimeoutMs: number;
  /** Options for the connections. */
  readonly pool?: Omit<Pool.Options, 'connect' | 'factory' | 'allowH2'>;
}

/** The interval of TCP keep-alive probes. */
const KEEP_ALIVE_PROBE_MS = 30_000;

/**
 * Creates kept connections to one server that trust, name and answer as those of Go's HTTP client do:
 * - Every certificate among the authorities is an anchor of trust: a root, an intermediate or the server's own.
 * - The name in the handshake (SNI) has no trailing dot. `Host` keeps it.
 * - The name is that of the URL, also when a request sets `Host`.
 * - Informational answers (1xx) are skipped.
 * A proxy is trusted by the same anchors and is shown the same client certificate. Certificates that cannot be used are
 * reported by every request.
 *
 * It uses HTTP/1.1 only. A server can close an HTTP/2 connection with GOAWAY, as an API server does after it refused a
 * token, and undici 8.12 then never answers the requests that waited for that connection.
 */
export function createHttpDispatcher({
  address,
  tls: { servername, rejectUnauthorized, ...material } = {},
  proxy,
  connectTimeoutMs,
  pool = {},
}: HttpDispatcherOptions): Dispatcher {
  const url = new URL(address);
  const tls = {
    ...(`${url.protocol}${proxy?.url}`.includes('https:') && trustIn(material)),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
    allowH2: false,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
    timeout: connectTimeoutMs,
  };
  const name = withoutDots(servername ?? serverNameOf(url.hostname));
  if (!proxy) {
    return new Pool(url.origin, { ...pool, allowH2: false, connect: adjusted(buildConnector(tls), name) });
  }
  return new ProxyAgent({
    ...pool,
    uri: proxy.url,
    ...(proxy.authorization !== undefined && { token: proxy.authorization }),
    connectTimeout: connectTimeoutMs,
    proxyTls: tls,
    requestTls: { ...tls, ...(name !== '' && { servername: name }) },
    clientFactory: (origin, options) => new Pool(origin, adjustedOptions(options)),
    factory: (origin, options) => new Pool(origin, adjustedOptions({ ...pool, ...options })),
  });
}

function trustIn(material: Pick<TlsSettings, 'ca' | 'cert' | 'key'>) {
  const options = { ...material, allowPartialTrustChain: true };
  try {
    // once, since it takes a millisecond, and every connection would do it again
    return { secureContext: createSecureContext(options) };
  } catch {
    return options;
  }
}

/** Connectors of the proxy agent: to the proxy itself, or through its tunnel, where `requestTls` sets the name. */
function adjustedOptions(options: object): Pool.Options {
  const { connect, ...rest } = options as Pool.Options;
  return typeof connect === 'function' ? { ...rest, connect: adjusted(connect) } : { ...rest };
}

const adjusted =
  (connect: buildConnector.connector, name?: string): buildConnector.connector =>
  (options, callback) =>
    // undici would take the name from a `Host` header
    connect({ ...options, servername: name ?? serverNameOf(options.hostname) }, (...[error, socket]) => {
      if (error) callback(error, null);
      else callback(null, skipInformational(socket));
    });

/** The name for SNI: none for an IP address. */
const serverNameOf = (hostname: string): string =>
  isIP(hostname.replace(/^\[|\]$/g, '')) ? '' : withoutDots(hostname);

const withoutDots = (name: string): string => name.replace(/\.+$/, '');
