import { expect, it } from 'vitest';
import { parseSourceMessage } from './source-message.ts';

it.each([
  ["pulled 'podinfo' chart with version '6.5.0'", { chart: 'podinfo', chartVersion: '6.5.0' }],
  ["pulled 'backend' chart with version '2.3.4+build.7'", { chart: 'backend', chartVersion: '2.3.4+build.7' }],
  [
    "packaged 'web' chart with version '1.0.0+40df45ff34dc' and merged values files [values.yaml, prod.yaml]",
    { chart: 'web', chartVersion: '1.0.0+40df45ff34dc' },
  ],
  [
    "stored artifact with revision '6.5.0@sha256:1bf64a69' from 'oci://127.0.0.1:1338/charts/podinfo'",
    { repository: 'podinfo' },
  ],
  [
    "stored artifact with revision 'latest@sha256:1bf64a69' from 'oci://ghcr.io/org/fleet', origin source 'https://git.example.com/fleet', origin revision 'main@sha1:40df45ff'",
    { repository: 'fleet' },
  ],
  ["stored artifact for commit 'pulled 'podinfo' chart with version '6.5.0''", {}],
  ["stored artifact with 3 fetched files from 'manifests' bucket", {}],
  ["stored fetched index of size 2.073kB from 'http://127.0.0.1:9800'", {}],
  ['', {}],
])('%s', (message, facts) => expect(parseSourceMessage(message)).toEqual(facts));

it('reads a bounded part of a message, so that a hostile one costs no more', () => {
  expect(parseSourceMessage(`stored artifact with revision 'a' from 'oci://${'a/'.repeat(100_000)}b'`)).toEqual({});
});
