/** What the message of a HelmRelease event says; controllers put these facts nowhere else. */
export interface HelmFacts {
  readonly release?: { readonly namespace: string; readonly name: string; readonly version?: number };
  readonly chart?: string;
  readonly chartVersion?: string;
  /** True for an uninstall that repairs a failed install or upgrade: reason and action are those of a removal. */
  readonly remediation?: boolean;
}

// helm-controller v1.6.3: "Helm upgrade succeeded for release apps/podinfo.v2 with chart podinfo@6.5.1",
// "Helm rollback to previous release apps/podinfo.v2 with chart …", "Cluster state of release apps/podinfo.v1 has …".
const RELEASE = /\brelease ([a-z0-9.-]+)\/([a-z0-9.-]+?)(?:\.v(\d+))?(?= with chart | has | in |:|$)/;
const CHART = / with chart ([^\s@]+)@([^\s:]+)/;

/** Reads the first line; the rest is what Helm said. */
export function parseHelmMessage(message: string): HelmFacts {
  const end = message.indexOf('\n');
  const line = (end < 0 ? message : message.slice(0, end)).slice(0, 1000);
  const [, namespace, name, version] = RELEASE.exec(line) ?? [];
  const [, chart, chartVersion] = CHART.exec(line) ?? [];
  return {
    ...(namespace && name && { release: { namespace, name, ...(version && { version: Number(version) }) } }),
    ...(chart && chartVersion && { chart, chartVersion }),
    ...(line.startsWith('Helm uninstall') && { remediation: line.startsWith('Helm uninstall remediation') }),
  };
}
