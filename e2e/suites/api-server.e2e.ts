import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Api } from '../api.ts';
import { createApi } from '../api.ts';
import { startCluster } from '../cluster.ts';
import { notificationCrds, stockCrds } from '../fixtures/crds.ts';
import { aProviderObject } from '../fixtures/notifications.ts';
import { asController } from '../shipped.ts';
import { describeOnCluster, sharedCluster, tools } from '../suite.ts';

const provider = (spec: object = {}) =>
  aProviderObject({ name: 'accepted', namespace: 'flux-system' }, { address: 'http://10.100.0.17:5000', ...spec });

describeOnCluster('an API server with the CRDs of Flux', () => {
  let admin: Api;
  beforeAll(() => {
    admin = sharedCluster();
  });
  afterAll(() => admin.close());

  it('takes a Provider of type cdevents', async () => {
    await admin.apply([provider()]);
    await admin.delete(provider());
  });

  it.each([
    ['a type that there is not', { type: 'cdevent' }, 'Unsupported value: "cdevent"'],
    ['a field that there is not', { adress: 'http://hub' }, 'adress'],
    ['a timeout in hours', { timeout: '1h' }, 'spec.timeout'],
  ])('refuses %s', async (_, spec, message) => {
    await expect(admin.apply([provider(spec)])).rejects.toThrow(message);
  });

  it.each(['2.9', '2.10'] as const)('refuses the type cdevents with the CRD that Flux %s brings', async (flux) => {
    const own = await startCluster(tools());
    try {
      await own.admin.namespace('flux-system');
      await own.admin.apply(stockCrds(flux));
      const apiVersion = `notification.toolkit.fluxcd.io/${flux === '2.9' ? 'v1beta3' : 'v1'}`;
      await expect(own.admin.apply([{ ...provider(), apiVersion }])).rejects.toThrow('Unsupported value: "cdevents"');
      await own.admin.apply(notificationCrds(flux));
      await own.admin.apply([{ ...provider(), apiVersion }]);
    } finally {
      await own.stop();
    }
  });

  it('lets the shipped ServiceAccount read, and change nothing', async () => {
    const controller = createApi(await asController(admin));
    try {
      await controller.list('notification.toolkit.fluxcd.io/v1', 'Provider');
      await expect(controller.apply([provider()])).rejects.toMatchObject({ status: 403 });
      await expect(controller.list('v1', 'Secret', 'flux-system')).rejects.toMatchObject({ status: 403 });
    } finally {
      controller.close();
    }
  });
});
