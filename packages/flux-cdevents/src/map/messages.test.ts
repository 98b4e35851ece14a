import { describe, expect, it } from 'vitest';
import { parseHelmMessage, parseSourceMessage } from './messages.ts';

describe('parseHelmMessage', () => {
  it.each([
    [
      'Helm install succeeded for release team-b/api-backend.v1 with chart backend@2.3.4+build.7',
      {
        release: { namespace: 'team-b', name: 'api-backend', version: 1 },
        chart: 'backend',
        chartVersion: '2.3.4+build.7',
      },
    ],
    [
      'Helm upgrade failed for release apps/podinfo with chart podinfo@6.6.0: failed to create resource: at release a/b.v9 has',
      { release: { namespace: 'apps', name: 'podinfo' }, chart: 'podinfo', chartVersion: '6.6.0' },
    ],
    [
      'Helm rollback to previous release apps/podinfo.v2 with chart podinfo@6.5.1 succeeded',
      { release: { namespace: 'apps', name: 'podinfo', version: 2 }, chart: 'podinfo', chartVersion: '6.5.1' },
    ],
    [
      'Helm test failed for release apps/podinfo.v10 with chart podinfo@6.5.1: timeout waiting for: [Pod/apps/x]',
      { release: { namespace: 'apps', name: 'podinfo', version: 10 }, chart: 'podinfo', chartVersion: '6.5.1' },
    ],
    [
      'Helm uninstall succeeded for release team-b/edge.v2 with chart podinfo@6.5.1+035a8df9cf01',
      {
        release: { namespace: 'team-b', name: 'edge', version: 2 },
        chart: 'podinfo',
        chartVersion: '6.5.1+035a8df9cf01',
        remediation: false,
      },
    ],
    [
      'Helm uninstall remediation for release team-b/broken.v1 with chart broken@1.0.0 succeeded',
      {
        release: { namespace: 'team-b', name: 'broken', version: 1 },
        chart: 'broken',
        chartVersion: '1.0.0',
        remediation: true,
      },
    ],
    [
      'Cluster state of release team-b/api-backend.v1 has drifted from the desired state:\nConfigMap/a/b changed',
      { release: { namespace: 'team-b', name: 'api-backend', version: 1 } },
    ],
    [
      'Unlocked Helm release apps/podinfo.v3 with chart podinfo@6.5.1 in pending-upgrade state',
      { release: { namespace: 'apps', name: 'podinfo', version: 3 }, chart: 'podinfo', chartVersion: '6.5.1' },
    ],
    [
      'Helm install failed for release apps/web.v2 with chart web@1.0.0: context deadline exceeded',
      { release: { namespace: 'apps', name: 'web.v2' }, chart: 'web', chartVersion: '1.0.0' },
    ],
    [
      'Helm test succeeded for release apps/podinfo.v2.v3 with chart podinfo@6.5.1: no test hooks',
      { release: { namespace: 'apps', name: 'podinfo.v2', version: 3 }, chart: 'podinfo', chartVersion: '6.5.1' },
    ],
    [
      'Helm rollback to previous release apps/slow.v1 with chart podinfo@6.7.0 failed: release slow failed: timeout\n\nLast Helm logs:\n\nHelm uninstall remediation for release a/b.v9 with chart c@9.9.9',
      { release: { namespace: 'apps', name: 'slow', version: 1 }, chart: 'podinfo', chartVersion: '6.7.0' },
    ],
    [
      'Helm uninstall failed for release apps/stuck.v1 with chart backend@2.3.4+build.7: uninstallation completed with 1 error(s): remediation',
      {
        release: { namespace: 'apps', name: 'stuck', version: 1 },
        chart: 'backend',
        chartVersion: '2.3.4+build.7',
        remediation: false,
      },
    ],
    [
      'Helm uninstall remediation for release team-b/broken.v1 with chart broken@1.0.0 failed: timed out\n\nLast Helm logs:\n\nbeginning wait',
      {
        release: { namespace: 'team-b', name: 'broken', version: 1 },
        chart: 'broken',
        chartVersion: '1.0.0',
        remediation: true,
      },
    ],
    [
      'Helm uninstall failed for release apps/gone with chart web@1.0.0: the release named "gone" is already deleted',
      { release: { namespace: 'apps', name: 'gone' }, chart: 'web', chartVersion: '1.0.0', remediation: false },
    ],
    ['Helm uninstall remediation failed: release: not found', { remediation: true }],
    [
      'Cluster state of release team-b/api-backend.v1 has been corrected:\nConfigMap/a/b configured',
      { release: { namespace: 'team-b', name: 'api-backend', version: 1 } },
    ],
    [
      'Failed to correct cluster state of release team-b/api-backend.v1:\nConfigMap/a/b: denied',
      { release: { namespace: 'team-b', name: 'api-backend', version: 1 } },
    ],
    [
      'Failed to partially correct cluster state of release team-b/api-backend.v12:\nConfigMap/a/b: denied',
      { release: { namespace: 'team-b', name: 'api-backend', version: 12 } },
    ],
    [
      'Unlock of Helm release apps/podinfo.v3 with chart podinfo@6.5.1 in pending-upgrade state failed: conflict',
      { release: { namespace: 'apps', name: 'podinfo', version: 3 }, chart: 'podinfo', chartVersion: '6.5.1' },
    ],
    ["dependency 'team-b/broken' is not ready", {}],
    ["could not load: 'Helm upgrade failed for release a/b.v1 with chart c@1.0.0'", {}],
    ['failed to build inventory for apps/podinfo: no matches for release a/b: chart', {}],
    ['Health checks canceled due to new reconciliation triggered by GitRepository/flux-system/fleet', {}],
    ['', {}],
  ])('%s', (message, facts) => expect(parseHelmMessage(message)).toEqual(facts));

  it('reads a bounded part of a message, so that a hostile one costs no more', () => {
    for (const repeated of ['a.v1', 'release ', 'release a/b.v1']) {
      expect(parseHelmMessage(`Helm upgrade succeeded for release ${repeated.repeat(100_000)}`)).toEqual({});
    }
  });
});

describe('parseSourceMessage', () => {
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
});
