import { PackageURL } from 'packageurl-js';
import { expect, it } from 'vitest';
import { artifactIdOf } from './artifact-id.ts';

const digest = 'sha256:1bf64a691159ff9f8dfaabf39a3f394f2d595fa2d70c3a28de8c3161f388b88b';
const helm = { release: { namespace: 'apps', name: 'web' }, chart: 'podinfo', chartVersion: '6.5.0' };

it.each([
  [
    'a chart from an OCI registry, by digest',
    { helm, metadata: { 'oci-digest': digest } },
    `pkg:oci/podinfo@${digest}`,
  ],
  [
    'a digest at the end of a revision',
    { helm, metadata: { 'oci-digest': `6.5.0@${digest}` } },
    `pkg:oci/podinfo@${digest}`,
  ],
  ['a chart from an HTTP repository', { helm, metadata: { revision: '6.5.0' } }, 'pkg:helm/podinfo@6.5.0'],
  [
    'build metadata in a version',
    { helm: { chart: 'backend', chartVersion: '2.3.4+build.7' }, metadata: {} },
    'pkg:helm/backend@2.3.4+build.7',
  ],
  [
    'a message without a chart',
    { helm: { release: helm.release }, metadata: { revision: '6.5.0' } },
    'pkg:generic/web@6.5.0',
  ],
  [
    'a Kustomization',
    { helm: {}, metadata: { revision: 'main@sha1:40df45ff' } },
    'pkg:generic/podinfo@main@sha1:40df45ff',
  ],
  ['nothing but a name', { helm: {}, metadata: {} }, 'pkg:generic/podinfo'],
])('%s', (_, facts, expected) => {
  const purl = artifactIdOf({ ...facts, name: 'podinfo' });
  const { type, name, version } = PackageURL.fromString(purl);
  expect(`pkg:${type}/${name}${version ? `@${version}` : ''}`).toBe(expected);
});
