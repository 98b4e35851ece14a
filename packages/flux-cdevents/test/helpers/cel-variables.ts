import type { MappingVariables } from '../../src/mapping/variables-schema.ts';

/** What the expressions of a mapping see for an upgrade of a HelmRelease. */
export const someVariables = (event: Readonly<Record<string, unknown>> = {}): MappingVariables => ({
  event: {
    involvedObject: { kind: 'HelmRelease', namespace: 'apps', name: 'podinfo', uid: 'ef3b02e5' },
    severity: 'info',
    timestamp: '2026-11-24T07:49:41Z',
    message: 'Helm upgrade succeeded for release apps/podinfo.v4 with chart podinfo@6.5.1',
    reason: 'UpgradeSucceeded',
    metadata: { revision: '6.5.1', 'app-version': '6.5.1' },
    reportingController: 'helm-controller',
    ...event,
  },
  alert: { metadata: { namespace: 'flux-system', name: 'all' } },
  provider: { metadata: { namespace: 'flux-system', name: 'hub' } },
  cluster: 'eu-1',
  environment: { id: 'eu-1/apps', source: '/eu-1/flux/helm-controller' },
  service: { id: 'apps/podinfo', source: '/eu-1/flux/helm-controller' },
  artifactId: 'pkg:helm/podinfo@6.5.1',
  release: { namespace: 'apps', name: 'podinfo', version: 4 },
  taskRun: { id: 'apps/podinfo/helm-upgrade/v4', name: 'helm-upgrade' },
  incident: { id: 'apps/podinfo/incident/0f9a1b2c', open: false },
  outcome: 'success',
  chainId: 'd5c2d6c4-7c9f-4b6c-9a55-4d1c62fd9c5e',
});
