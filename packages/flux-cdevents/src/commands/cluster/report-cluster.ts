import { toRecord } from '../../diagnostics/format.ts';
import { connectToCluster } from '../../kube-api/connect.ts';
import { isInCluster } from '../../kube-api/in-cluster.ts';
import { type Io, printJson, withProgress } from '../io.ts';
import { type ClusterCheckOptions, checkCluster } from './check-cluster.ts';
import { type ClusterFinding, countBad } from './finding.ts';
import { printFindings } from './print-findings.ts';

export interface ReportOptions extends Omit<ClusterCheckOptions, 'inCluster'> {
  /** @default the Pod's ServiceAccount, else KUBECONFIG, else ~/.kube/config */
  readonly kubeconfig?: string;
  /** Prints one JSON document. */
  readonly json?: true;
}

/**
 * Checks a cluster and prints the result.
 * @returns the number of errors
 * @throws {FluxCDEventsError} `FCE_CONFIG_INVALID` when there is no usable kubeconfig or ServiceAccount
 */
export async function reportCluster(io: Io, { kubeconfig, json, ...options }: ReportOptions): Promise<number> {
  const inCluster = kubeconfig === undefined && !process.env.KUBECONFIG && (await isInCluster());
  const api = await connectToCluster(kubeconfig === undefined ? {} : { kubeconfig });
  try {
    const findings = await withProgress(io, `asking ${api.server}`, checkCluster(api, { ...options, inCluster }));
    const counts = countBad(findings);
    if (json) printJson(io, { findings: findings.map(toReport), counts }, 2);
    else printFindings(io, findings);
    return counts.errors;
  } finally {
    await api.close();
  }
}

/** A finding as JSON shows it, with names and paths as text. */
export function toReport(finding: ClusterFinding) {
  if (finding.result === 'ok') return finding;
  const { area, result, issue, fix } = finding;
  const { object, code, path, expected, found } = toRecord(issue);
  return { area, result, object, issue: { code, path, expected, found }, fix };
}
