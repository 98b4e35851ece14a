import fc from 'fast-check';
import { PackageURL } from 'packageurl-js';
import { describe, expect, it } from 'vitest';
import { type ArtifactFacts, artifactIdOf } from './artifact-id.ts';
import { parseHelmMessage } from './messages.ts';

const digest = 'sha256:1bf64a691159ff9f8dfaabf39a3f394f2d595fa2d70c3a28de8c3161f388b88b';
const sha1 = 'sha1:40df45ff34dc3616d1339e60a164b764a30181bd';

interface Facts {
  readonly kind?: string;
  readonly name?: string;
  readonly message?: string;
  readonly metadata?: ArtifactFacts['metadata'];
}

const factsOf = ({ kind = 'HelmRelease', name = 'web', message = '', metadata = {} }: Facts): ArtifactFacts => ({
  event: {
    involvedObject: { apiVersion: 'v1', kind, namespace: 'apps', name, uid: 'ef3b02e5-399b-4838-a900-41087c4441bb' },
    message,
  },
  helm: kind === 'HelmRelease' ? parseHelmMessage(message) : {},
  metadata,
});

const release = (chart: string, metadata: ArtifactFacts['metadata'] = {}): Facts => ({
  message: `Helm upgrade succeeded for release apps/shop.v2 with chart ${chart}`,
  metadata,
});
const kustomization = (metadata: ArtifactFacts['metadata']): Facts => ({
  kind: 'Kustomization',
  name: 'apps',
  metadata,
});
const pulled = (chart: string, version: string): Facts => ({
  kind: 'HelmChart',
  name: 'flux-system-web',
  message: `pulled '${chart}' chart with version '${version}'`,
  metadata: { revision: version },
});
const stored = (url: string, revision: string): Facts => ({
  kind: 'OCIRepository',
  name: 'charts',
  message: `stored artifact with revision '${revision}' from '${url}'`,
  metadata: { revision },
});

describe('artifactIdOf', () => {
  it.each<readonly [title: string, facts: Facts, purl: string]>([
    [
      'a chart from an OCI registry',
      release('podinfo@6.5.0+1bf64a691159', { revision: '6.5.0+1bf64a691159', 'oci-digest': digest }),
      `pkg:oci/podinfo@${digest}?tag=6.5.0`,
    ],
    [
      'a pre-release from an OCI registry',
      release('podinfo@6.5.0-rc.1+1bf64a691159', { 'oci-digest': digest }),
      `pkg:oci/podinfo@${digest}?tag=6.5.0-rc.1`,
    ],
    [
      'a chart by a tag that is no version, as oci-digest has it',
      release('podinfo@6.5.0+1bf64a691159', { 'oci-digest': `latest@${digest}` }),
      `pkg:oci/podinfo@${digest}?tag=latest`,
    ],
    ['a chart over HTTP', release('podinfo@6.5.0', { revision: '6.5.0' }), 'pkg:helm/podinfo@6.5.0'],
    ['a chart with build metadata', release('backend@2.3.4+build.7'), 'pkg:helm/backend@2.3.4+build.7'],
    [
      'a digest that is none',
      release('podinfo@6.5.0', { 'oci-digest': 'sha256:no', revision: '6.5.0' }),
      'pkg:helm/podinfo@6.5.0',
    ],
    [
      'a release without its chart',
      { message: 'Cluster state of release team-b/api.v1 has been corrected:\n', metadata: { revision: '2.3.4' } },
      'pkg:generic/api@2.3.4',
    ],
    [
      'a release without chart or revision',
      { message: 'Cluster state of release team-b/api.v1 has drifted from the desired state:\n' },
      'pkg:generic/api',
    ],
    ['a HelmRelease that got no further', { message: "dependency 'apps/db' is not ready" }, 'pkg:generic/web'],
    ['a branch', kustomization({ revision: `main@${sha1}` }), `pkg:generic/apps@main%40${sha1}`],
    ['a tag', kustomization({ revision: `v1.0.0@${sha1}` }), `pkg:generic/apps@v1.0.0%40${sha1}`],
    [
      'a reference',
      kustomization({ revision: `refs/tags/v1.0.0@${sha1}` }),
      `pkg:generic/apps@refs%2Ftags%2Fv1.0.0%40${sha1}`,
    ],
    ['an OCI artifact', kustomization({ revision: `latest@${digest}` }), `pkg:generic/apps@latest%40${digest}`],
    [
      'an OCI artifact that names its commit',
      kustomization({ revision: `latest@${digest}`, originRevision: `main@${sha1}` }),
      `pkg:generic/apps@main%40${sha1}?checksum=${encodeURIComponent(digest)}`,
    ],
    [
      'an OCI artifact by digest that names its commit',
      kustomization({ revision: digest, originRevision: `main@${sha1}` }),
      `pkg:generic/apps@main%40${sha1}?checksum=${encodeURIComponent(digest)}`,
    ],
    [
      'an origin without a digest',
      kustomization({ revision: `main@${sha1}`, originRevision: 'v1' }),
      'pkg:generic/apps@v1',
    ],
    ['a Kustomization without a revision', kustomization({}), 'pkg:generic/apps'],
    ['a pulled chart', pulled('podinfo', '6.5.0'), 'pkg:helm/podinfo@6.5.0'],
    [
      'a chart in an OCIRepository',
      stored('oci://127.0.0.1:1338/charts/podinfo', `6.5.0@${digest}`),
      `pkg:oci/podinfo@${digest}?tag=6.5.0`,
    ],
    ['an OCIRepository by digest', stored('oci://ghcr.io/org/fleet', digest), `pkg:oci/fleet@${digest}`],
    ['an OCIRepository in capitals', stored('oci://ghcr.io/Org/Fleet', digest), `pkg:oci/fleet@${digest}`],
    [
      'an OCIRepository whose message names no URL',
      { kind: 'OCIRepository', name: 'charts', metadata: { revision: `6.5.0@${digest}` } },
      `pkg:generic/charts@6.5.0%40${digest}`,
    ],
    [
      'a GitRepository',
      {
        kind: 'GitRepository',
        name: 'fleet',
        message: "stored artifact for commit 'Add apps'",
        metadata: { revision: `main@${sha1}` },
      },
      `pkg:generic/fleet@main%40${sha1}`,
    ],
    [
      'a Bucket',
      { kind: 'Bucket', name: 'manifests', metadata: { revision: digest } },
      `pkg:generic/manifests@${digest}`,
    ],
    [
      'a HelmRepository',
      { kind: 'HelmRepository', name: 'lab', metadata: { revision: digest } },
      `pkg:generic/lab@${digest}`,
    ],
    ['a failing source', { kind: 'GitRepository', name: 'gone' }, 'pkg:generic/gone'],
  ])('%s', (_, facts, expected) => {
    const purl = artifactIdOf(factsOf(facts));
    expect(purl).toBe(expected);
    expect(PackageURL.fromString(purl).toString()).toBe(purl);
  });

  it.each<readonly [title: string, source: Facts, deployed: Facts]>([
    ['over HTTP', pulled('podinfo', '6.5.0'), release('podinfo@6.5.0')],
    ['with build metadata', pulled('backend', '2.3.4+build.7'), release('backend@2.3.4+build.7')],
    [
      'from an OCI registry',
      stored('oci://ghcr.io/charts/podinfo', `6.5.0@${digest}`),
      release('podinfo@6.5.0+1bf64a691159', { 'oci-digest': digest }),
    ],
    [
      'from an OCI registry, with build metadata',
      stored('oci://ghcr.io/charts/backend', `2.3.4_build.7@${digest}`),
      release('backend@2.3.4+1bf64a691159', { 'oci-digest': digest }),
    ],
    [
      'from an OCI registry, without the digest in the version',
      stored('oci://ghcr.io/charts/backend', `2.3.4_build.7@${digest}`),
      release('backend@2.3.4+build.7', { 'oci-digest': digest }),
    ],
    [
      'from an OCI registry, by a tag that is no version',
      stored('oci://ghcr.io/charts/podinfo', `latest@${digest}`),
      release('podinfo@6.5.0+1bf64a691159', { 'oci-digest': `latest@${digest}` }),
    ],
  ])('names a chart the same when it is published and when it is deployed: %s', (_, source, deployed) =>
    expect(artifactIdOf(factsOf(source))).toBe(artifactIdOf(factsOf(deployed))),
  );

  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((value) => value.trim() === value);
  const named = fc.string({ unit: fc.constantFrom(...'abcxyz019-'), minLength: 1, maxLength: 20 });

  it('can be parsed into the parts it was made of', () => {
    fc.assert(
      fc.property(named, text, fc.option(text), (name, revision, originRevision) => {
        const metadata = { revision, ...(originRevision !== null && { originRevision }) };
        const purl = artifactIdOf(factsOf({ kind: 'Kustomization', name, metadata }));
        const read = PackageURL.fromString(purl);
        expect({ ...read }).toMatchObject({ type: 'generic', name, version: originRevision ?? revision });
        expect(read.toString()).toBe(purl);
      }),
    );
  });

  it('is a package URL, whatever an event says', () => {
    const anything = fc.string({
      unit: fc.constantFrom('a', ' ', '\ud800', '\udc00', '/', '@', '%', '\n', '?', '#', '+'),
    });
    fc.assert(
      fc.property(anything, anything, anything, (name, revision, chart) => {
        for (const facts of [
          { name, metadata: { revision, originRevision: chart } },
          { ...release(`${chart}@${revision}`), name, metadata: { revision, 'oci-digest': `${chart}@${digest}` } },
          { ...pulled(chart, revision), name },
          { ...stored(`oci://host/${chart}`, `${revision}@${digest}`), name },
        ]) {
          const purl = artifactIdOf(factsOf(facts));
          expect(PackageURL.fromString(purl).toString()).toBe(purl);
        }
      }),
    );
  });

  it('reads back as the chart and the version of a message, whatever they are', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((it) => /^[^\s@:']+$/u.test(it));
    fc.assert(
      fc.property(word, word, (chart, version) => {
        const purl = artifactIdOf(factsOf(release(`${chart}@${version}`)));
        expect(PackageURL.fromString(purl)).toMatchObject({ type: 'helm', name: chart, version });
        expect(artifactIdOf(factsOf(pulled(chart, version)))).toBe(purl);
      }),
    );
  });
});
