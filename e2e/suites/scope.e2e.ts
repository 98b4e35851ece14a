import { afterEach, expect, it } from 'vitest';
import { anAlertObject, aProviderObject } from '../fixtures/notifications.ts';
import { NOTIFICATION_V1, objectsIn, type Scene, startScene } from '../scene.ts';
import { describeOnCluster, sharedCluster } from '../suite.ts';
import { eventually } from '../wait.ts';

describeOnCluster('with', () => {
  let scene: Scene | undefined;
  afterEach(async () => {
    await scene?.admin.clear(NOTIFICATION_V1, 'Alert', 'elsewhere');
    await scene?.admin.clear(NOTIFICATION_V1, 'Provider', 'elsewhere');
    await scene?.close();
    scene = undefined;
  });

  /** Adds another Provider and Alert, in another namespace, for the same objects. */
  async function startWithNeighbours(flags: readonly string[]): Promise<Scene> {
    const env = { RUNTIME_NAMESPACE: 'scope' };
    const started = await startScene({ admin: sharedCluster(), namespace: 'scope', flags, env });
    scene = started;
    await started.admin.namespace('elsewhere');
    await started.admin.apply([
      aProviderObject({ name: 'hub', namespace: 'elsewhere' }, { address: `${started.receiver.url}/elsewhere` }),
      anAlertObject(
        { name: 'neighbours', namespace: 'elsewhere', provider: 'hub' },
        { eventSources: [{ kind: 'HelmRelease', name: '*', namespace: 'scope' }] },
      ),
    ]);
    await started.applyProvider();
    await started.applyAlert('own');
    return started;
  }
  /** Other suites may have left objects in other namespaces. */
  const here = <T extends { readonly namespace: string }>(objects: readonly T[] = []) =>
    objects.filter(({ namespace }) => namespace === 'scope' || namespace === 'elsewhere');
  const providers = async () => here(await scene?.controller.providers());
  const providersReady = (count: number) =>
    eventually(async () => expect((await providers()).map(({ status }) => status)).toEqual(Array(count).fill('ready')));
  const alertNames = async () =>
    here(await scene?.controller.alerts())
      .map(({ name }) => name)
      .sort();
  const paths = () => scene?.receiver.requests.map(({ path }) => path).sort();

  it('nothing said: Alerts of all namespaces count, for objects of all namespaces', async () => {
    const { receiver, post } = await startWithNeighbours([]);
    await eventually(async () => expect(await alertNames()).toEqual(['neighbours', 'own']));
    await providersReady(2);
    await post();
    await receiver.received(2);
    expect(paths()).toEqual(['/', '/elsewhere']);
  });

  it('--watch-all-namespaces=false: only those of RUNTIME_NAMESPACE', async () => {
    const { receiver, post, controller } = await startWithNeighbours(['--watch-all-namespaces=false']);
    await eventually(async () => expect(await alertNames()).toEqual(['own']));
    await providersReady(1);
    const { name } = await post();
    expect(objectsIn(await receiver.received(1))).toEqual([name]);
    expect(await controller.deliveries()).toHaveLength(1);
    expect((await controller.providers()).map(({ namespace }) => namespace)).toEqual(['scope']);
  });

  it('--no-cross-namespace-refs: an Alert selects only objects of its own namespace', async () => {
    const { receiver, post, controller } = await startWithNeighbours(['--no-cross-namespace-refs']);
    await eventually(async () => expect(await alertNames()).toEqual(['neighbours', 'own']));
    await providersReady(2);
    await post();
    await receiver.received(1);
    expect(paths()).toEqual(['/']);
    expect(await controller.deliveries()).toHaveLength(1);
  });
});
