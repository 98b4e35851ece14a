/** What the message of a source's event says; source-controller puts these facts nowhere else. */
export interface SourceFacts {
  readonly chart?: string;
  readonly chartVersion?: string;
  /** Last part of an OCI repository's path: for a chart its name. */
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
