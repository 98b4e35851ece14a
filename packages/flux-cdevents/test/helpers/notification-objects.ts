import type { FakeApiServer, TestObject } from './fake-api-server.ts';

/** The namespace of the objects below. */
export const NAMESPACE = 'apps';
export const NOTIFICATION_V1 = 'notification.toolkit.fluxcd.io/v1';
export const NOTIFICATION_KINDS = { Alert: 'alerts', Provider: 'providers' };
const metadata = (name: string) => ({ namespace: NAMESPACE, name });

/** Serves the types that a configuration is made of. */
export function serveNotification(server: FakeApiServer, apiVersion = NOTIFICATION_V1): void {
  server.serve(apiVersion, NOTIFICATION_KINDS);
  server.serve('v1', { Secret: 'secrets', ConfigMap: 'configmaps', Event: 'events' });
}

export const aProviderObject = (
  name: string,
  spec: object = {},
  annotations?: Readonly<Record<string, string>>,
): TestObject => ({
  apiVersion: NOTIFICATION_V1,
  kind: 'Provider',
  metadata: { ...metadata(name), ...(annotations && { annotations }) },
  spec: { type: 'cdevents', address: 'http://hub.example.com', ...spec },
});

export const anAlertObject = (name: string, spec: object = {}): TestObject => ({
  apiVersion: NOTIFICATION_V1,
  kind: 'Alert',
  metadata: metadata(name),
  spec: { providerRef: { name: 'hub' }, eventSources: [{ kind: 'HelmRelease', name: '*' }], ...spec },
});

export const aSecretObject = (name: string, data: Readonly<Record<string, string>>): TestObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadata(name),
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
});

export const aMappingObject = (name: string, mapping: string): TestObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadata(name),
  data: { 'mapping.yaml': mapping },
});
