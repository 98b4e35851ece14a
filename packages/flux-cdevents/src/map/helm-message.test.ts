import { describe, expect, it } from 'vitest';
import { parseHelmMessage } from './helm-message.ts';

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
    ["dependency 'team-b/broken' is not ready", {}],
    ['', {}],
  ])('%s', (message, facts) => expect(parseHelmMessage(message)).toEqual(facts));

  it('reads a bounded part of a message, so that a hostile one costs no more', () => {
    expect(parseHelmMessage(`Helm upgrade succeeded for release ${'a.v1'.repeat(100_000)}`)).toEqual({});
  });
});
