import { afterEach, beforeEach, expect, it } from 'vitest';
import { objectsIn, type Scene, startScene } from '../scene.ts';
import { describeOnCluster, sharedCluster } from '../suite.ts';
import { eventually } from '../wait.ts';

describeOnCluster('a change in the cluster', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await startScene({ admin: sharedCluster(), namespace: 'changes' });
    await scene.applySecret('token', { token: 'old' });
    await scene.applyProvider({ secretRef: { name: 'token' } });
    await scene.applyAlert('all');
    await scene.settled('all');
  });
  afterEach(() => scene.close());

  it('of a Secret: what was refused with the old token is delivered with the new one', async () => {
    const { receiver } = scene;
    receiver.answer(({ headers }) => (headers.authorization === 'Bearer new' ? 202 : 401));
    const { name } = await scene.post();
    await receiver.received(1);
    await scene.applySecret('token', { token: 'new' });
    await eventually(
      async () => expect(await scene.controller.deliveries()).toMatchObject([{ state: 'delivered' }]),
      40_000,
    );
    expect(objectsIn(receiver.requests.slice(-1))).toEqual([name]);
  });

  it('of an Alert: the next event goes by it', async () => {
    const { receiver } = scene;
    await scene.applyAlert('all', { eventSeverity: 'error' });
    await eventually(async () => expect(await scene.alerts()).toMatchObject([{ eventSeverity: 'error' }]));
    expect(await scene.post()).toMatchObject({ status: 202 });
    const { name } = await scene.post({ severity: 'error', reason: 'UpgradeFailed' });
    expect(objectsIn(await receiver.received(1))).toEqual([name]);
  });

  it('of a Provider: events that wait go to its new address, in its new form', async () => {
    const { receiver } = scene;
    await scene.applyProvider({ address: 'http://127.0.0.1:9/' });
    await eventually(async () => expect(await scene.providers()).toMatchObject([{ address: 'http://127.0.0.1:9/' }]));
    await scene.post();
    await eventually(async () =>
      expect(await scene.controller.deliveries()).toMatchObject([{ lastError: expect.any(String) }]),
    );
    await scene.applyProvider({}, { 'content-mode': 'structured' });
    const [request] = await receiver.received(1);
    expect(request?.headers['content-type']).toContain('application/cloudevents+json');
  });

  it('that deletes the Alert: no Alert selects its events', async () => {
    const { controller, receiver } = scene;
    await scene.deleteObject('Alert', 'all');
    await eventually(async () => expect(await scene.alerts()).toEqual([]));
    expect(await scene.post()).toMatchObject({ status: 202 });
    expect(await controller.deliveries()).toEqual([]);
    expect(receiver.requests).toEqual([]);
  });

  it('that deletes the Provider: what waits becomes dead letters', async () => {
    const { controller, receiver } = scene;
    receiver.answer(503);
    await scene.post();
    await receiver.received(1);
    await scene.deleteObject('Provider', 'hub');
    await eventually(async () => expect(await controller.deliveries()).toMatchObject([{ state: 'dead-letter' }]));
  });

  it('that brings the Secret, which was missing: events wait for it', async () => {
    const { receiver } = scene;
    await scene.applyProvider({ secretRef: { name: 'later' } });
    await eventually(async () => expect(await scene.providers()).toMatchObject([{ status: 'invalid' }]));
    const { name } = await scene.post();
    await scene.applySecret('later', { token: 'came' });
    const [request] = await receiver.received(1);
    expect(request?.headers.authorization).toBe('Bearer came');
    expect(objectsIn(receiver.requests)).toEqual([name]);
  });
});
