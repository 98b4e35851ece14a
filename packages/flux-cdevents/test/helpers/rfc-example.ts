/** The Provider and the Alert of the RFC's example, to the letter. */
export const RFC_PROVIDER = `apiVersion: notification.toolkit.fluxcd.io/v1beta2
kind: Provider
metadata:
  name: cdevents-provider
  namespace: flux-system
spec:
  type: cdevents
  secretRef:
    name: generic-token
  address: http://10.100.0.17:5000
`;
export const RFC_ALERT = `apiVersion: notification.toolkit.fluxcd.io/v1beta2
kind: Alert
metadata:
  name: cdevents-alert
  namespace: flux-system
spec:
  providerRef:
    name: cdevents-provider
  eventSources:
    - kind: HelmRelease
      name: '*'
`;
