import { inClusterAccess, isInCluster } from './in-cluster.ts';
import { createKubeClient, type KubeClient } from './kube-client.ts';
import { kubeconfigAccess } from './kubeconfig.ts';

export interface ConnectOptions {
  /** A kubeconfig. @default the Pod's ServiceAccount, else KUBECONFIG, else ~/.kube/config */
  readonly kubeconfig?: string;
  readonly qps?: number;
  readonly burst?: number;
  readonly userAgent?: string;
}

/**
 * Creates a client for the cluster that the process belongs to.
 * @throws {FluxCDEventsError} `FCE_CONFIG_INVALID` when there is no ServiceAccount and no usable kubeconfig
 */
export async function connectToCluster({ kubeconfig, ...options }: ConnectOptions): Promise<KubeClient> {
  const inCluster = kubeconfig === undefined && !process.env.KUBECONFIG && (await isInCluster());
  const access = inCluster
    ? await inClusterAccess()
    : await kubeconfigAccess(kubeconfig === undefined ? {} : { file: kubeconfig });
  return createKubeClient({ access, ...options });
}

/** The one client of a process, so that all its parts share one rate limit and one set of connections. */
export interface SharedConnection {
  /** @returns the same client every time, created at the first call. @throws like `connectToCluster` */
  connect(): Promise<KubeClient>;
  /** Closes the client, if one was created. */
  close(): Promise<void>;
}

export function connectOnce(options: ConnectOptions): SharedConnection {
  let client: Promise<KubeClient> | undefined;
  return {
    connect() {
      client ??= connectToCluster(options);
      return client;
    },
    async close() {
      // a client that could not be created has nothing to close
      await client?.then(
        (created) => created.close(),
        () => {},
      );
    },
  };
}
