import { PackageURL } from 'packageurl-js';
import type { HelmFacts } from './helm-message.ts';

const SHA256 = /sha256:[0-9a-f]{64}/;

export interface ArtifactFacts {
  readonly helm: HelmFacts;
  /** Merged metadata of the event. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Name of the involved object. */
  readonly name: string;
}

/**
 * The package URL of what was deployed: by digest where an OCI digest is known, else the chart by its version, else
 * the release by its revision.
 * @see https://github.com/package-url/purl-spec
 */
export function artifactIdOf({ helm, metadata, name }: ArtifactFacts): string {
  const digest = metadata['oci-digest']?.match(SHA256)?.[0];
  if (helm.chart && digest) return purl('oci', helm.chart, digest);
  if (helm.chart && helm.chartVersion) return purl('helm', helm.chart, helm.chartVersion);
  return purl('generic', helm.release?.name ?? name, metadata.revision);
}

const purl = (type: string, name: string, version: string | undefined): string =>
  new PackageURL(type, undefined, name, version, undefined, undefined).toString();
