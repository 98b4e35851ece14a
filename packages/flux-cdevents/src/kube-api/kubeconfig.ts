import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { steadyNow } from '../lib/steady-now.ts';
import { type ApiAccess, CREDENTIALS_MAX_AGE_MS, type Credentials } from './access.ts';

export interface KubeconfigOptions {
  /** @default KUBECONFIG, else ~/.kube/config */
  readonly file?: string;
  readonly now?: () => number;
}

/**
 * Creates the access of the current context of a kubeconfig, with all the ways to authenticate that the official client
 * knows: tokens, certificates, exec plugins, OpenID Connect. The files are read again every minute, and when the API server
 * refuses the credentials.
 * @throws {FluxCDEventsError} `FCE_CONFIG_INVALID` when there is no usable context
 */
export async function kubeconfigAccess({ file, now = steadyNow }: KubeconfigOptions = {}): Promise<ApiAccess> {
  // imported only where it is needed: loading it takes 400 ms and 85 MB
  const client = await import('@kubernetes/client-node');
  let texts = '';
  /** Keeps the last one while the files stay the same, because it caches the answer of an exec plugin. */
  const load = (before?: KubeConfig): KubeConfig => {
    const files = filesOf(file);
    if (files.length === 0) throw new Error('expected a kubeconfig file or the ServiceAccount of a Pod, found neither');
    const found = files.map((path) => readFileSync(path, 'utf8'));
    if (before && found.join('\0') === texts) return before;
    const config = new client.KubeConfig();
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
    texts = found.join('\0');
    return config;
  };
  const name = file ?? 'kubeconfig';
  let config: KubeConfig;
  try {
    config = load();
  } catch (cause) {
    throw new FluxCDEventsError('FCE_CONFIG_INVALID', `${name}: ${messageOf(withoutQuote(cause))}`, { cause });
  }
  const cluster = config.getCurrentCluster();
  if (!cluster) {
    const found = config.getCurrentContext() || 'nothing';
    throw new FluxCDEventsError('FCE_CONFIG_INVALID', `${name}: current-context: expected a cluster, found ${found}`);
  }
  if (cluster.proxyUrl?.startsWith('socks')) {
    throw new FluxCDEventsError('FCE_CONFIG_INVALID', `${name}: proxy-url: expected an HTTP proxy, found SOCKS`);
  }
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  let loadedAt = now();
  let renewed = false;
  let current: Credentials | undefined;
  return {
    server: cluster.server.replace(/\/+$/, ''),
    ...(namespace && { namespace }),
    ...(cluster.proxyUrl && { proxy: cluster.proxyUrl }),
    async credentials() {
      const age = now() - loadedAt;
      if (current && !renewed && age <= CREDENTIALS_MAX_AGE_MS) return current;
      try {
        if (current) config = load(renewed ? undefined : config);
        current = await credentialsOf(config, tokenIn(filesOf(file), config));
      } catch (error) {
        if (!current) throw withoutQuote(error); // a file that is being written: the last credentials are still valid
      }
      loadedAt = now();
      renewed = false;
      return current;
    },
    renew() {
      renewed = true;
    },
  };
}

/**
 * A parser quotes what it cannot read, and here that may be a token: the answer of a credential plugin, or the file itself.
 */
function withoutQuote(error: unknown): unknown {
  if (error instanceof SyntaxError) return new Error('expected JSON from the credential plugin, found something else');
  const { name, reason, mark } = error as { name?: unknown; reason?: unknown; mark?: { readonly line?: number } };
  if (name !== 'YAMLException') return error;
  return new Error(`line ${(mark?.line ?? 0) + 1}: expected YAML, found a mistake: ${reason}`);
}

/** The files that the official client reads. */
const filesOf = (file: string | undefined): readonly string[] => {
  if (file !== undefined) return [file];
  const listed = (process.env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  return listed.length > 0 ? listed : [join(homedir(), '.kube', 'config')].filter((path) => existsSync(path));
};

/** The content of the current user's `tokenFile`: the official client (2.0) does not know this field. */
function tokenIn(files: readonly string[], config: KubeConfig): string | undefined {
  const name = config.getCurrentUser()?.name;
  for (const file of files) {
    const { users } = (parse(readFileSync(file, 'utf8')) ?? {}) as {
      users?: readonly { readonly name?: string; readonly user?: { readonly tokenFile?: string } }[];
    };
    const path = users?.find((user) => user.name === name)?.user?.tokenFile;
    if (path) return readFileSync(resolve(dirname(file), path), 'utf8').trim();
  }
  return undefined;
}

async function credentialsOf(config: KubeConfig, token: string | undefined): Promise<Credentials> {
  const request: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = { headers: {} };
  await config.applyToHTTPSOptions(request);
  const headers: Record<string, string> = {};
  for (const [key, value] of Object.entries(request.headers ?? {})) headers[key.toLowerCase()] = String(value);
  if (request.auth) headers.authorization = `Basic ${Buffer.from(request.auth).toString('base64')}`;
  if (token) headers.authorization = `Bearer ${token}`;
  const { ca, cert, key, servername, rejectUnauthorized } = request as Credentials['tls'];
  return {
    headers,
    tls: {
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(servername && { servername }),
      ...(rejectUnauthorized === false && { rejectUnauthorized }),
    },
  };
}
