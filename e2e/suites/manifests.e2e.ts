import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api, KubeObject } from '../api.ts';
import { type Cluster, startCluster } from '../cluster.ts';
import { stockCrds } from '../fixtures/crds.ts';
import { argsOf, fluxDeployment } from '../fixtures/deployments.ts';
import { aProviderObject } from '../fixtures/notifications.ts';
import { fluxCDEvents, kustomize } from '../render.ts';
import { describeOnCluster, tools } from '../suite.ts';
import { eventually } from '../wait.ts';

const example = (name: string) => readFileSync(join(import.meta.dirname, `../../deploy/examples/${name}.yaml`), 'utf8');
const named = (objects: readonly KubeObject[], kind: string, name = 'flux-cdevents') => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found;
};
/** An API server may rewrite an unchanged object. */
const withoutVersions = (objects: readonly KubeObject[]) =>
  objects.map(({ metadata: { resourceVersion: _, ...metadata }, ...rest }) => ({ metadata, ...rest }));

describeOnCluster('the manifests', () => {
  let cluster: Cluster;
  let admin: Api;
  beforeAll(async () => {
    cluster = await startCluster(tools());
    admin = cluster.admin;
    await admin.namespace('flux-system');
  });
  afterAll(() => cluster.stop());

  const base = 'deploy/base';
  const component = (name: string) => `deploy/components/${name}`;

  it('of the base are taken as they are, and change nothing when they are applied again', async () => {
    const objects = await kustomize(tools(), { resources: [base] });
    const applied = await admin.apply(objects);
    expect(applied.map(({ kind }) => kind)).toContain('Deployment');
    expect(withoutVersions(await admin.apply(objects))).toEqual(withoutVersions(applied));
  });

  it.each(['forward', 'mtls', 'token-review', 'webhook', 'forward and mtls and token-review'])(
    'of the base with %s are taken',
    async (names) => {
      const components = names.split(' and ').map(component);
      await admin.apply(await kustomize(tools(), { resources: [base], components }));
    },
  );

  it.each(['', '--components forward,mtls,token-review', '--components webhook --cluster eu-1'])(
    'that "flux-cdevents install --export %s" prints are taken',
    async (flags) => {
      await admin.apply(await fluxCDEvents('install', '--export', ...flags.split(' ').filter(Boolean)));
    },
  );

  it('with a field that there is not are refused', async () => {
    const objects = await kustomize(tools(), { resources: [base] });
    const deployment = named(objects, 'Deployment');
    await expect(
      admin.apply([{ ...deployment, spec: { ...(deployment.spec as object), replica: 1 } }]),
    ).rejects.toThrow('replica');
  });

  it('send the events of the Flux controllers here, but not those of the notification-controller', async () => {
    const objects = await kustomize(tools(), {
      objects: ['helm-controller', 'kustomize-controller', 'notification-controller'].map(fluxDeployment),
      components: [component('events-addr')],
    });
    const last = (name: string) => argsOf(named(objects, 'Deployment', name)).at(-1);
    expect(last('helm-controller')).toContain('flux-cdevents');
    expect(last('kustomize-controller')).toContain('flux-cdevents');
    expect(last('notification-controller')).toContain('notification-controller');
  });

  describe.each([
    ['2.9', 'provider-crd-flux-2.9', ['v1beta3']],
    ['2.10', 'provider-crd', ['v1', 'v1beta3']],
  ] as const)('on the CRDs of Flux %s', (flux, name, versions) => {
    it('leave those as they are for the webhook', async () => {
      await admin.apply(stockCrds(flux));
      await admin.apply(example('webhook'));
      // An object that was valid stays so until it is changed, and a changed schema takes effect after a moment.
      await admin.clear('notification.toolkit.fluxcd.io/v1beta3', 'Provider', 'flux-system');
      await eventually(() => expect(admin.apply(example('cdevents'))).rejects.toThrow('Unsupported value: "cdevents"'));
    });

    it('add the type cdevents', async () => {
      await admin.apply(await kustomize(tools(), { objects: stockCrds(flux), components: [component(name)] }));
      await eventually(() => admin.apply(example('cdevents')));
      await admin.apply(example('mapping'));
      for (const version of versions) {
        const provider = aProviderObject({ name: version, namespace: 'flux-system' }, { address: 'http://hub' });
        await admin.apply([{ ...provider, apiVersion: `notification.toolkit.fluxcd.io/${version}` }]);
      }
    });
  });

  it.each([
    ['2.9', 'provider-crd'],
    ['2.10', 'provider-crd-flux-2.9'],
  ] as const)('say so when they are for another Flux than %s', async (flux, name) => {
    const built = kustomize(tools(), { objects: stockCrds(flux), components: [component(name)] });
    await expect(built).rejects.toThrow(/versions/);
  });
});
