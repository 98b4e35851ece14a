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
 * A client for the API server that the process belongs to.
 * @throws {FluxCDEventsError} `FCE_CONFIG_INVALID` when it is not known where that is
 */
export async function connectToCluster({ kubeconfig, ...options }: ConnectOptions): Promise<KubeClient> {
  const inCluster = kubeconfig === undefined && !process.env.KUBECONFIG && (await isInCluster());
  const access = inCluster
    ? await inClusterAccess()
    : await kubeconfigAccess(kubeconfig === undefined ? {} : { file: kubeconfig });
  return createKubeClient({ access, ...options });
}
