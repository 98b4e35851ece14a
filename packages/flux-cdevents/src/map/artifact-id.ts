import { PackageURL } from 'packageurl-js';
import type { FluxEvent } from '../flux/event.ts';
import { type HelmFacts, parseSourceMessage } from './messages.ts';

export interface ArtifactFacts {
  readonly event: Pick<FluxEvent, 'involvedObject' | 'message'>;
  readonly helm: HelmFacts;
  /** Merged metadata of the event. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** @see https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests */
const TAG = /^\w[\w.-]{0,127}$/;
const REVISION = /^(?:(.+)@)?(sha(?:256|384|512):[0-9a-f]+)$/;

/**
 * The package URL of what was deployed or published. A chart has the same one in the events of its source and in those
 * of the HelmRelease that uses it: with its digest in a registry, or with its version. Everything else is named after
 * its object, with its revision if there is one.
 * @see https://github.com/package-url/purl-spec
 */
export function artifactIdOf(facts: ArtifactFacts): string {
  const { kind } = facts.event.involvedObject;
  if (kind === 'HelmRelease') return ofRelease(facts);
  if (kind === 'HelmChart' || kind === 'OCIRepository') return ofChartSource(facts);
  return ofRevision(facts);
}

function ofRelease({ event, helm, metadata }: ArtifactFacts): string {
  const { chart, chartVersion } = helm;
  const { tag, digest } = readRevision(metadata['oci-digest']);
  if (chart && digest) return ofImage(chart, digest, tag ?? chartVersion);
  if (chart && chartVersion) return purl('helm', chart, chartVersion);
  return purl('generic', helm.release?.name ?? event.involvedObject.name, metadata.revision);
}

function ofChartSource(facts: ArtifactFacts): string {
  const { chart, chartVersion, repository } = parseSourceMessage(facts.event.message);
  if (chart && chartVersion) return purl('helm', chart, chartVersion);
  const { tag, digest } = readRevision(facts.metadata.revision);
  if (repository && digest) return ofImage(repository, digest, tag);
  return ofRevision(facts);
}

/** For an OCI artifact, the version is the commit that it was built from, and the checksum is its digest. */
function ofRevision({ event, metadata }: ArtifactFacts): string {
  const { originRevision, revision } = metadata;
  const { name } = event.involvedObject;
  if (!originRevision) return purl('generic', name, revision);
  const { digest } = readRevision(revision);
  return purl('generic', name, originRevision, digest && { checksum: digest });
}

/**
 * @param version a tag, or the version of the chart. Build metadata is left out: helm-controller writes the digest in its
 *   place, and a tag spells its `+` as `_`, so the same chart would get two names.
 */
function ofImage(name: string, digest: string, version: string | undefined): string {
  const tag = version?.replace(/^(v?\d+\.\d+\.\d+[^+_]*)[+_].*$/, '$1');
  return purl('oci', name.toLowerCase(), digest, tag && TAG.test(tag) && { tag });
}

/** Reads `6.5.0@sha256:…` or `sha256:…`. Without a digest, both parts are absent. */
function readRevision(revision: string | undefined): { readonly tag?: string; readonly digest?: string } {
  const [, tag, digest] = REVISION.exec(revision ?? '') ?? [];
  return { ...(tag && { tag }), ...(digest && { digest }) };
}

/** Never throws: half a surrogate pair is replaced, and a blank name becomes `_`. */
function purl(type: string, name: string, version?: string, qualifiers?: Record<string, string> | '' | false): string {
  const shownName = name.toWellFormed().trim() || '_';
  const shownVersion = version?.toWellFormed() || undefined;
  return new PackageURL(type, undefined, shownName, shownVersion, qualifiers || undefined, undefined).toString();
}
