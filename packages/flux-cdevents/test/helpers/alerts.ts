import type { Alert } from '../../src/flux/alert.ts';

/** An Alert of Provider `hub` that selects the HelmReleases of its namespace. */
export const anAlert = (spec: Partial<Alert['spec']> = {}, { namespace = 'apps', name = 'all' } = {}): Alert => ({
  metadata: { namespace, name },
  spec: { providerRef: { name: 'hub' }, eventSources: [{ kind: 'HelmRelease', name: '*' }], ...spec },
});
