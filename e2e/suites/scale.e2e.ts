import { afterAll, beforeAll, expect, it } from 'vitest';
import { aFluxEvent } from '../../packages/flux-cdevents/test/helpers/flux-events.ts';
import { type Receiver, startReceiver } from '../../packages/flux-cdevents/test/helpers/receiver.ts';
import type { Api, KubeObject } from '../api.ts';
import { type Cluster, startCluster } from '../cluster.ts';
import { type Controller, startController } from '../controller.ts';
import { anAlertObject, aProviderObject } from '../fixtures/notifications.ts';
import { NOTIFICATION_V1, objectsIn } from '../scene.ts';
import { applyShipped, asController } from '../shipped.ts';
import { describeOnCluster, tools } from '../suite.ts';

const ALERTS = 10_000;
const PROVIDERS = 1_000;
const NAMESPACES = 10;
const AT_ONCE = 32;

/** Creates objects, several at a time; far faster than applying them. */
async function createAll(admin: Api, objects: readonly KubeObject[]): Promise<void> {
  const left = objects.values();
  const worker = async () => {
    for (const object of left) {
      const plural = `${object.kind.toLowerCase()}s`;
      await admin.request('POST', `/apis/${NOTIFICATION_V1}/namespaces/${object.metadata.namespace}/${plural}`, object);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

describeOnCluster(`${ALERTS} Alerts and ${PROVIDERS} Providers`, () => {
  let cluster: Cluster;
  let receiver: Receiver;
  let controller: Controller | undefined;
  beforeAll(async () => {
    cluster = await startCluster(tools());
    receiver = await startReceiver();
    const { admin } = cluster;
    await applyShipped(admin);
    for (let index = 0; index < NAMESPACES; index++) await admin.namespace(`team-${index}`);
    const range = (count: number) => Array.from({ length: count }, (_, index) => index);
    const namespaceOf = (index: number) => `team-${index % NAMESPACES}`;
    await createAll(
      admin,
      range(PROVIDERS).map((index) =>
        aProviderObject(
          { name: `hub-${index}`, namespace: namespaceOf(index) },
          { address: `${receiver.url}/${index}`, secretRef: { name: 'token' } },
        ),
      ),
    );
    for (let index = 0; index < NAMESPACES; index++) {
      await admin.apply([
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'token', namespace: `team-${index}` },
          data: { token: 'eA==' },
        },
      ]);
    }
    await createAll(
      admin,
      range(ALERTS).map((index) =>
        anAlertObject(
          { name: `app-${index}`, namespace: namespaceOf(index), provider: `hub-${index % PROVIDERS}` },
          { eventSources: [{ kind: 'HelmRelease', name: `app-${index}` }] },
        ),
      ),
    );
  }, 300_000);
  afterAll(async () => {
    await controller?.stop();
    await receiver.close();
    await cluster.stop();
  });

  it('are read soon, in little memory, and one event goes where it should', async () => {
    const startedAt = performance.now();
    controller = await startController({ access: await asController(cluster.admin) });
    await controller.ready(60_000);
    const seconds = (performance.now() - startedAt) / 1000;
    const ready = controller.memory();
    expect(await controller.alerts()).toHaveLength(ALERTS);
    expect(await controller.providers()).toHaveLength(PROVIDERS);

    const event = aFluxEvent({ involvedObject: { namespace: 'team-4', name: 'app-4444' } });
    expect(await controller.post(event)).toBe(202);
    const [request] = await receiver.received(1);
    expect(request?.path).toBe('/444');
    expect(request && objectsIn([request])).toEqual(['app-4444']);

    const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
    const report = `ready ${seconds.toFixed(1)} s after its start, with ${mebibytes(ready.rssBytes)} MiB (most: ${mebibytes(ready.peakBytes)})`;
    process.stderr.write(`e2e: ${ALERTS} Alerts: ${report}\n`);
    expect(seconds).toBeLessThan(30);
    expect(mebibytes(ready.peakBytes)).toBeLessThan(1024);
  }, 120_000);
});
