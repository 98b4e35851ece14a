import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { aFluxEvent } from '../../packages/flux-cdevents/test/helpers/flux-events.ts';
import { type Receiver, startReceiver } from '../../packages/flux-cdevents/test/helpers/receiver.ts';
import { type Cluster, startCluster } from '../cluster.ts';
import { type Controller, startController } from '../controller.ts';
import { stockCrds } from '../fixtures/crds.ts';
import { cdeventIn } from '../scene.ts';
import { applyRbac, asController } from '../shipped.ts';
import { describeOnCluster, tools } from '../suite.ts';
import { eventually } from '../wait.ts';

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../deploy/examples/webhook.yaml'), 'utf8');

describeOnCluster('a cluster in which nothing of Flux is changed', () => {
  let cluster: Cluster;
  let receiver: Receiver;
  let controller: Controller | undefined;
  afterEach(async () => {
    await controller?.stop();
    controller = undefined;
    await receiver.close();
    await cluster.stop();
  });

  const post = async (body: string, key: string) => {
    const signature = `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
    const url = `${controller?.urls.events}/webhook/flux-system/cdevents`;
    return (await fetch(url, { method: 'POST', headers: { 'x-signature': signature }, body })).status;
  };

  it.each(['2.9', '2.10'] as const)('Flux %s: the example of the webhook makes CDEvents', async (flux) => {
    receiver = await startReceiver();
    cluster = await startCluster(tools());
    const { admin } = cluster;
    await applyRbac(admin);
    await admin.apply(stockCrds(flux));
    await admin.apply(EXAMPLE.replace('http://10.100.0.17:5000', receiver.url));
    controller = await startController({ access: await asController(admin) });
    await controller.ready();
    await eventually(async () => expect(await controller?.providers()).toMatchObject([{ status: 'ready' }]));

    // As the notification-controller sends it: metadata keys without their prefixes.
    const body = JSON.stringify(aFluxEvent({ metadata: { revision: '6.5.1' } }));
    expect(await post(body, 'guessed')).toBe(401);
    expect(await post(body, 'replace-me')).toBe(202);
    const [request] = await receiver.received(1);
    expect(request?.headers.authorization).toBe('Bearer replace-me');
    expect(request && cdeventIn(request).context.type).toBe('dev.cdevents.taskrun.finished.0.2.0');
    expect(receiver.requests).toHaveLength(1);
  });
});
