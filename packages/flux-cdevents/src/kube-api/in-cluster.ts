import { access, readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { steadyNow } from '../lib/steady-now.ts';
import { type ApiAccess, CREDENTIALS_MAX_AGE_MS, type Credentials } from './access.ts';

/** Where the kubelet mounts the ServiceAccount of a Pod. */
export const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface InClusterOptions {
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly now?: () => number;
}

/** True in a Pod with a ServiceAccount token. */
export const isInCluster = async ({
  directory = SERVICE_ACCOUNT_DIR,
  env = process.env,
}: InClusterOptions = {}): Promise<boolean> =>
  Boolean(env.KUBERNETES_SERVICE_HOST) &&
  access(join(directory, 'token')).then(
    () => true,
    () => false,
  );

/**
 * Creates the access of the Pod's ServiceAccount. The kubelet replaces the token well before it expires; the file is read
 * again every minute, and when the API server refuses the token.
 * @throws {FluxCDEventsError} `FCE_CONFIG_INVALID` when the token cannot be read
 */
export async function inClusterAccess({
  directory = SERVICE_ACCOUNT_DIR,
  env = process.env,
  now = steadyNow,
}: InClusterOptions = {}): Promise<ApiAccess> {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env;
  const read = (file: string) => readFile(join(directory, file), 'utf8');
  const load = async (): Promise<Credentials> => {
    const [token, ca] = await Promise.all([read('token'), read('ca.crt')]);
    return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
  };
  const first = await load().catch((cause: unknown) => {
    throw new FluxCDEventsError('FCE_CONFIG_INVALID', `ServiceAccount: ${messageOf(cause)}`, { cause });
  });
  const namespace = await read('namespace').catch(() => '');
  let current = first;
  let readAt = now();
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ...(namespace.trim() && { namespace: namespace.trim() }),
    async credentials() {
      if (now() - readAt > CREDENTIALS_MAX_AGE_MS) {
        readAt = now();
        // while the kubelet replaces the files, the old token is still valid
        current = await load().catch(() => current);
      }
      return current;
    },
    renew() {
      readAt = Number.NEGATIVE_INFINITY;
    },
  };
}
