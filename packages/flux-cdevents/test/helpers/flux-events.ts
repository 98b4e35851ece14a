import type { FluxEvent } from '../../src/flux/event.ts';
import type { InvolvedObject } from '../../src/flux/object-ref.ts';

type EventOverrides = Partial<Omit<FluxEvent, 'involvedObject'>> & {
  readonly involvedObject?: Partial<InvolvedObject>;
};

/** A HelmRelease event as helm-controller posts it; a test names only what it is about. */
export function aFluxEvent({ involvedObject, ...rest }: EventOverrides = {}): FluxEvent {
  return {
    involvedObject: {
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      kind: 'HelmRelease',
      namespace: 'apps',
      name: 'podinfo',
      uid: 'ef3b02e5-399b-4838-a900-41087c4441bb',
      ...involvedObject,
    },
    severity: 'info',
    timestamp: '2026-11-24T07:49:41Z',
    message: 'Helm upgrade succeeded for release apps/podinfo.v2 with chart podinfo@6.5.1',
    reason: 'UpgradeSucceeded',
    metadata: {
      'helm.toolkit.fluxcd.io/revision': '6.5.1',
      'helm.toolkit.fluxcd.io/token': 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    },
    reportingController: 'helm-controller',
    ...rest,
  };
}

/** A Kustomization event as kustomize-controller posts it. `commitStatus` marks the success at the end of a run. */
export function aKustomizationEvent({
  revision = 'main@sha1:40df45ff34dc3616d1339e60a164b764a30181bd',
  commitStatus = false,
  involvedObject,
  ...rest
}: EventOverrides & { readonly revision?: string; readonly commitStatus?: boolean } = {}): FluxEvent {
  return aFluxEvent({
    involvedObject: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      namespace: 'flux-system',
      name: 'apps',
      uid: '0d3f2a4e-6d3c-4d0f-8f5e-2f5f6c1f0a11',
      ...involvedObject,
    },
    reason: 'ReconciliationSucceeded',
    message: 'Reconciliation finished in 110.305559ms, next run in 1m0s',
    reportingController: 'kustomize-controller',
    metadata: {
      'kustomize.toolkit.fluxcd.io/revision': revision,
      ...(commitStatus && { 'kustomize.toolkit.fluxcd.io/commit_status': 'update' }),
    },
    ...rest,
  });
}
