import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../cluster.ts';
import { fluxObjectCrds, notificationCrds } from '../fixtures/crds.ts';
import { anAlertObject } from '../fixtures/notifications.ts';
import { NOTIFICATION_V1, NOTIFICATION_V1BETA3, objectsIn, type Scene, startScene } from '../scene.ts';
import { applyRbac } from '../shipped.ts';
import { describeOnCluster, tools } from '../suite.ts';
import { eventually } from '../wait.ts';

describeOnCluster('the CRDs of Flux', () => {
  let cluster: Cluster;
  let scene: Scene | undefined;
  beforeEach(async () => {
    cluster = await startCluster(tools());
    await applyRbac(cluster.admin);
    await cluster.admin.apply(fluxObjectCrds());
  });
  afterEach(async () => {
    await scene?.close();
    scene = undefined;
    await cluster.stop();
  });

  it('2.9: only v1beta3 is read', async () => {
    await cluster.admin.apply(notificationCrds('2.9'));
    scene = await startScene({ admin: cluster.admin, namespace: 'apps', apiVersion: NOTIFICATION_V1BETA3 });
    await scene.applyProvider();
    await scene.applyAlert('all');
    await scene.settled('all');
    const { name } = await scene.post();
    expect(objectsIn(await scene.receiver.received(1))).toEqual([name]);
  });

  it('that come later are waited for: not ready, and the log says why', async () => {
    scene = await startScene({ admin: cluster.admin, namespace: 'apps', ready: false });
    const { controller } = scene;
    await controller.logged(/notification\.toolkit\.fluxcd\.io/);
    expect(await controller.readiness()).toBe(503);
    expect(await controller.post(scene.event())).toBe(503);

    await cluster.admin.apply(notificationCrds('2.10'));
    await scene.applyProvider();
    await scene.applyAlert('all');
    await controller.ready(60_000);
    await scene.settled('all');
    const { name } = await scene.post();
    expect(objectsIn(await scene.receiver.received(1))).toEqual([name]);
  });

  it('that are upgraded from v1beta3 to v1 while it runs lose nothing', async () => {
    const { admin } = cluster;
    await admin.apply(notificationCrds('2.9'));
    scene = await startScene({ admin, namespace: 'apps', apiVersion: NOTIFICATION_V1BETA3 });
    await scene.applyProvider();
    await scene.applyAlert('before');
    await scene.settled('before');

    await admin.apply(notificationCrds('2.10'));
    const later = (name: string) => [anAlertObject({ name, namespace: 'apps', provider: 'hub' })];
    await eventually(() => admin.apply(later('during')));
    await scene.settled('before', 'during');

    // A later release stops serving v1beta3.
    await admin.apply(
      notificationCrds('2.10').map((crd) => {
        const spec = crd.spec as { versions: { name: string; served: boolean }[] };
        const versions = spec.versions.map((version) => ({ ...version, served: version.name === 'v1' }));
        return { ...crd, spec: { ...spec, versions } };
      }),
    );
    await admin.apply(later('after'));
    await scene.settled('after', 'before', 'during');
    const { name } = await scene.post();
    expect(objectsIn(await scene.receiver.received(1))).toEqual([name]);
    expect(await admin.list(NOTIFICATION_V1, 'Alert', 'apps')).toHaveLength(3);
  }, 120_000);
});
