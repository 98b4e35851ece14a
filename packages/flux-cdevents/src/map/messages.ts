/** What the message of a HelmRelease event says. helm-controller gives these facts nowhere else. */
export interface HelmFacts {
  readonly release?: { readonly namespace: string; readonly name: string; readonly version?: number };
  readonly chart?: string;
  readonly chartVersion?: string;
  /** True for an uninstall after a failed install or upgrade. Its reason and action are those of a removal. */
  readonly remediation?: boolean;
}

// helm-controller v1.6.3: "Helm upgrade succeeded for release apps/podinfo.v2 with chart podinfo@6.5.1",
// "Helm rollback to previous release apps/podinfo.v2 with chart …", "Cluster state of release apps/podinfo.v1 has …".
// Only plain words may precede it: a release that an error message quotes may belong to another object.
const RELEASE =
  /^[A-Z][A-Za-z ]* release ([a-z0-9.-]+)\/([a-z0-9.-]+?)(?:\.v(\d+))?(?= with chart | has | in |:|$)(?: with chart ([^\s@]+)@([^\s:]+))?/;
/** These fail before Helm gives the release a number, so a `.v2` is part of its name. */
const WITHOUT_VERSION = /^Helm (?:install|upgrade) failed /;

/** Reads the first line; the rest is the output of Helm. */
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

/** What the message of a source event says. source-controller gives these facts nowhere else. */
export interface SourceFacts {
  readonly chart?: string;
  readonly chartVersion?: string;
  /** The last part of the path of an OCI repository: for a chart, its name. */
  readonly repository?: string;
}

// source-controller v1.9.1: "pulled 'podinfo' chart with version '6.5.0'", "packaged 'web' chart with version '1.0.0' and
// merged values files [prod.yaml]", "stored artifact with revision '6.5.0@sha256:…' from 'oci://host/charts/podinfo'".
const CHART = /^(?:pulled|packaged) '([^']+)' chart with version '([^']+)'/;
const OCI = /^stored artifact with revision '[^']+' from 'oci:\/\/[^'\s]*\/([^'/\s]+)'/;

export function parseSourceMessage(message: string): SourceFacts {
  const start = message.slice(0, 1000);
  const [, chart, chartVersion] = CHART.exec(start) ?? [];
  const [, repository] = OCI.exec(start) ?? [];
  return { ...(chart && chartVersion && { chart, chartVersion }), ...(repository && { repository }) };
}
