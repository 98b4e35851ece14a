import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../cluster.ts';
import { startController } from '../controller.ts';
import { anAlertObject, aProviderObject } from '../fixtures/notifications.ts';
import { NOTIFICATION_V1, objectsIn, type Scene, startScene } from '../scene.ts';
import { applyShipped, asController } from '../shipped.ts';
import { describeOnCluster, tools } from '../suite.ts';
import { eventually } from '../wait.ts';

describeOnCluster('while the API server is away', () => {
  let cluster: Cluster;
  let scene: Scene;
  beforeEach(async () => {
    cluster = await startCluster(tools());
    await applyShipped(cluster.admin);
    scene = await startScene({ admin: cluster.admin, namespace: 'apps' });
    await scene.applyProvider();
    await scene.applyAlert('all');
    await scene.settled('all');
  });
  afterEach(async () => {
    await scene.controller.stop();
    await scene.receiver.close();
    await cluster.stop();
  });

  it('events are taken and delivered, and afterwards changes count again', async () => {
    const posted: string[] = [];
    let going = true;
    const load = (async () => {
      while (going) {
        const { status, name } = await scene.post();
        expect(status).toBe(202);
        posted.push(name);
        await scene.receiver.received(posted.length - 50); // not faster than it delivers
      }
    })();
    await scene.receiver.received(100);
    await cluster.killApiServer();
    await scene.receiver.received(scene.receiver.requests.length + 200);
    await cluster.startApiServer();
    await scene.receiver.received(scene.receiver.requests.length + 100);
    going = false;
    await load;
    await scene.receiver.received(posted.length);
    expect(new Set(objectsIn(scene.receiver.requests))).toEqual(new Set(posted));

    await scene.applyAlert('another');
    await scene.settled('all', 'another');
  }, 120_000);

  it('changes that etcd has forgotten since are found all the same', async () => {
    const { controller } = scene;
    await cluster.killApiServer();
    const second = await cluster.startSecond();
    const named = (name: string) => ({ name, namespace: 'apps' });
    await second.admin.delete(anAlertObject({ ...named('all'), provider: 'hub' }));
    await second.admin.apply([
      aProviderObject(named('other'), { address: `${scene.receiver.url}/other` }),
      anAlertObject({ ...named('new'), provider: 'other' }),
    ]);
    await cluster.compact();
    await second.stop();
    await cluster.startApiServer();

    await eventually(async () => expect(await controller.alerts()).toMatchObject([{ name: 'new' }]), 60_000);
    await eventually(async () =>
      expect((await controller.providers()).map(({ name, status }) => [name, status]).sort()).toEqual([
        ['hub', 'ready'],
        ['other', 'ready'],
      ]),
    );
    await scene.post();
    const requests = await scene.receiver.received(1);
    expect(requests.map(({ path }) => path)).toEqual(['/other']);
    expect(await cluster.admin.list(NOTIFICATION_V1, 'Alert', 'apps')).toHaveLength(1);
  }, 120_000);

  it('a controller that starts then waits for it', async () => {
    const access = await asController(cluster.admin);
    await cluster.killApiServer();
    await scene.controller.stop();
    const late = await startController({ access });
    try {
      await late.logged(/ECONNREFUSED/);
      expect(await late.post(scene.event())).toBe(503);
      await cluster.startApiServer();
      await late.ready(60_000);
      const event = scene.event();
      expect(await late.post(event)).toBe(202);
      expect(objectsIn(await scene.receiver.received(1))).toEqual([event.involvedObject.name]);
    } finally {
      await late.stop();
    }
  }, 120_000);

  it('a controller that was killed keeps what it has accepted until it knows where that goes', async () => {
    const { controller, receiver } = scene;
    receiver.answer(503);
    const { name } = await scene.post();
    await receiver.received(1);
    await controller.kill();
    const access = await asController(cluster.admin);
    await cluster.killApiServer();

    receiver.answer(202);
    const next = await startController({ access, dataDir: controller.dataDir });
    try {
      await next.logged(/ECONNREFUSED/);
      expect(await next.deliveries()).toMatchObject([{ state: 'pending' }]);
      await cluster.startApiServer();
      await eventually(async () => expect(await next.deliveries()).toMatchObject([{ state: 'delivered' }]), 60_000);
      expect(objectsIn(receiver.requests.slice(-1))).toEqual([name]);
    } finally {
      await next.stop();
    }
  }, 120_000);
});
