import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KubeObject } from '../api.ts';
import { objectsIn, type Scene, startScene } from '../scene.ts';
import { describeOnCluster, sharedCluster } from '../suite.ts';
import { eventually } from '../wait.ts';

describeOnCluster('matchLabels', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({ admin: sharedCluster(), namespace: 'labels' });
    await scene.applyProvider();
    await scene.applyAlert('team', {
      eventSources: [{ kind: 'HelmRelease', name: '*', matchLabels: { team: 'web' } }],
    });
    await scene.settled('team');
  });
  afterAll(() => scene.close());

  const release = (name: string, labels: Readonly<Record<string, string>>): KubeObject => ({
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name, namespace: 'labels', labels },
    spec: { interval: '1m' },
  });
  const post = async (name: string) =>
    expect(await scene.post({ involvedObject: { name } })).toMatchObject({ status: 202 });

  it('selects by the labels that an object has in the cluster', async () => {
    await scene.admin.apply([release('shop', { team: 'web' }), release('billing', { team: 'money' })]);
    await post('billing');
    await post('shop');
    expect(objectsIn(await scene.receiver.received(1))).toEqual(['shop']);
  });

  it('and by those that it has now', async () => {
    const before = scene.receiver.requests.length;
    await scene.admin.apply([release('billing', { team: 'web' }), release('shop', { team: 'money' })]);
    await eventually(async () => {
      await post('billing');
      expect(objectsIn(scene.receiver.requests.slice(before))).toContain('billing');
    }, 40_000);
  });

  it('does not select an object that is not there', async () => {
    const before = (await scene.controller.deliveries()).length;
    await post('nobody');
    expect(await scene.controller.deliveries()).toHaveLength(before);
  });
});
