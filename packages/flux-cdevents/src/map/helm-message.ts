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
// Only plain words may stand before it: what an error message quotes is no release of this object.
const RELEASE =
  /^[A-Z][A-Za-z ]* release ([a-z0-9.-]+)\/([a-z0-9.-]+?)(?:\.v(\d+))?(?= with chart | has | in |:|$)(?: with chart ([^\s@]+)@([^\s:]+))?/;
/** These failed before Helm gave the release a number: a `.v2` belongs to its name. */
const WITHOUT_VERSION = /^Helm (?:install|upgrade) failed /;

/** Reads the first line; the rest is what Helm said. */
export function parseHelmMessage(message: string): HelmFacts {
  const end = message.indexOf('\n');
  const line = (end < 0 ? message : message.slice(0, end)).slice(0, 1000);
  const [, namespace, name, number, chart, chartVersion] = RELEASE.exec(line) ?? [];
  return {
    ...(namespace && name && { release: { namespace, ...numbered(name, number, line) } }),
    ...(chart && chartVersion && { chart, chartVersion }),
    ...(line.startsWith('Helm uninstall') && { remediation: line.startsWith('Helm uninstall remediation') }),
  };
}

function numbered(name: string, number: string | undefined, line: string): { name: string; version?: number } {
  if (number === undefined) return { name };
  return WITHOUT_VERSION.test(line) ? { name: `${name}.v${number}` } : { name, version: Number(number) };
}
