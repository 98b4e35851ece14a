import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aFluxEvent } from '../../packages/flux-cdevents/test/helpers/flux-events.ts';
import { type Receiver, startReceiver } from '../../packages/flux-cdevents/test/helpers/receiver.ts';
import type { Api } from '../api.ts';
import { type Controller, startController } from '../controller.ts';
import { asController } from '../shipped.ts';
import { describeOnCluster, sharedCluster } from '../suite.ts';
import { eventually } from '../wait.ts';

const NAMESPACE = 'webhooks';
const metadata = (name: string) => ({ namespace: NAMESPACE, name });

describeOnCluster('the webhook', () => {
  let admin: Api;
  let receiver: Receiver;
  let controller: Controller;
  beforeAll(async () => {
    admin = sharedCluster();
    await admin.namespace(NAMESPACE);
    receiver = await startReceiver();
    await secret('signing', 'first key');
    await secret('hub', 'of the receiver');
    const options = { address: `${receiver.url}/events`, secret: 'hub' };
    await admin.apply([
      {
        apiVersion: 'notification.toolkit.fluxcd.io/v1',
        kind: 'Provider',
        metadata: {
          ...metadata('cdevents'),
          annotations: Object.fromEntries(
            Object.entries(options).map(([name, value]) => [`cdevents.toolkit.fluxcd.io/${name}`, value]),
          ),
        },
        spec: {
          type: 'generic-hmac',
          address: 'http://flux-cdevents.flux-system/webhook/webhooks/cdevents',
          secretRef: { name: 'signing' },
        },
      },
      {
        apiVersion: 'notification.toolkit.fluxcd.io/v1',
        kind: 'Alert',
        metadata: metadata('cdevents'),
        spec: { providerRef: { name: 'cdevents' }, eventSources: [{ kind: 'HelmRelease', name: '*' }] },
      },
    ]);
    controller = await startController({ access: await asController(admin) });
    await controller.ready();
    await eventually(async () =>
      expect(await controller.alerts()).toContainEqual(expect.objectContaining(metadata('cdevents'))),
    );
  });
  afterAll(async () => {
    await controller?.stop();
    await receiver?.close();
    for (const kind of ['Alert', 'Provider']) await admin.clear('notification.toolkit.fluxcd.io/v1', kind, NAMESPACE);
  });

  const secret = (name: string, token: string) =>
    admin.apply([{ apiVersion: 'v1', kind: 'Secret', metadata: metadata(name), stringData: { token } }]);

  let count = 0;
  const post = async (key: string) => {
    const event = aFluxEvent({
      involvedObject: { namespace: NAMESPACE },
      message: `event ${++count}`,
      metadata: { revision: '6.5.1', env: 'prod' },
    });
    const body = JSON.stringify(event);
    const signature = `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
    const url = `${controller.urls.events}/webhook/${NAMESPACE}/cdevents`;
    return (await fetch(url, { method: 'POST', body, headers: { 'x-signature': signature } })).status;
  };

  it('of a stock Provider delivers CDEvents to the address of its annotation, with the Secret for that', async () => {
    expect(await post('first key')).toBe(202);
    const [request] = await receiver.received(1);
    expect(request).toMatchObject({
      path: '/events',
      headers: { authorization: 'Bearer of the receiver', 'ce-type': 'dev.cdevents.taskrun.finished.0.2.0' },
    });
    expect(await post('another key')).toBe(401);
  });

  it('takes the next key as soon as the notification-controller signs with it', async () => {
    await secret('signing', 'second key');
    expect(await post('second key')).toBe(202);
    expect(await post('first key')).toBe(401);
  });

  it('is the only way to such a Provider', async () => {
    const before = (await controller.deliveries()).length;
    expect(await controller.post(aFluxEvent({ involvedObject: { namespace: NAMESPACE } }))).toBe(202);
    expect(await controller.deliveries()).toHaveLength(before);
  });
});
