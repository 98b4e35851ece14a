import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../api.ts';
import { type Scene, startScene } from '../scene.ts';
import { describeOnCluster, sharedCluster } from '../suite.ts';
import { eventually } from '../wait.ts';

interface KubeEvent extends KubeObject {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly source: { readonly component: string };
  readonly reportingComponent: string;
}

const NAMESPACE = 'events';

describeOnCluster('Kubernetes Events', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await startScene({ admin: sharedCluster(), namespace: NAMESPACE });
  });
  afterEach(async () => {
    await scene.admin.clear('v1', 'Event', NAMESPACE);
    await scene.close();
  });

  const events = () => scene.admin.list<KubeEvent>('v1', 'Event', NAMESPACE);
  /** `Alert all: NotificationDispatchFailed: message`, and the count. */
  const told = async () =>
    (await events()).map(
      ({ involvedObject: { kind, name }, reason, message, count }) =>
        `${count}x ${kind} ${name}: ${reason}: ${message}`,
    );
  const eventuallyTold = (...expected: (string | RegExp)[]) =>
    eventually(async () => expect((await told()).sort()).toEqual(expected.map((text) => expect.stringMatching(text))));
  const loaded = (alerts: number) =>
    eventually(async () => expect(await scene.controller.alerts()).toHaveLength(alerts));

  it('tell of a receiver that fails once, on the Alert, and count when it fails again', async () => {
    const { receiver } = scene;
    receiver.answer(503);
    await scene.applyProvider();
    await scene.applyAlert('all');
    await loaded(1);
    await scene.post();
    await scene.post();
    await eventuallyTold(/^1x Alert all: NotificationDispatchFailed: Provider events\/hub does not deliver: .*503/);
    await receiver.received(4); // attempts, all in vain
    await eventuallyTold(/^1x Alert/);
    const [event] = await events();
    const alert = await scene.admin.get({
      apiVersion: scene.apiVersion,
      kind: 'Alert',
      metadata: { name: 'all', namespace: NAMESPACE },
    });
    expect(event).toMatchObject({
      type: 'Warning',
      involvedObject: { uid: (alert.metadata as { uid?: string }).uid },
      source: { component: 'flux-cdevents' },
      reportingComponent: 'flux-cdevents',
    });

    receiver.answer(202);
    await scene.controller.logged(/delivers again/);
    receiver.answer(503);
    await scene.post();
    await eventuallyTold(/^2x Alert all: NotificationDispatchFailed/);
  });

  it('tell of a receiver that wants no more', async () => {
    scene.receiver.answer(410);
    await scene.applyProvider();
    await scene.applyAlert('all');
    await loaded(1);
    await scene.post();
    await eventuallyTold(
      /^1x Alert all: NotificationDispatchFailed: Provider events\/hub is stopped until it is changed/,
    );
  });

  it('show no secret', async () => {
    await scene.applySecret('hub', { address: 'http://127.0.0.1:1/a-secret-path', token: 'a-secret-token' });
    await scene.applyProvider({ secretRef: { name: 'hub' } });
    await scene.applyAlert('all');
    await loaded(1);
    await scene.post();
    await eventuallyTold(/does not deliver/);
    expect(await told()).not.toContainEqual(expect.stringContaining('secret-'));
  });

  describe('of the configuration', () => {
    it('tell of a Secret that is missing, on the Provider, and no more when it is there', async () => {
      await scene.applyProvider({ secretRef: { name: 'no' } });
      await eventuallyTold(/^1x Provider hub: NotificationDispatchFailed: spec\.secretRef\.name: .* "no"/);
      await scene.applySecret('no', { token: 'x' });
      await eventually(async () => expect(await scene.controller.providers()).toMatchObject([{ status: 'ready' }]));
      await eventuallyTold(/^1x Provider hub/);
    });

    it('tell of annotations, Providers that are not there and expressions', async () => {
      await scene.applyProvider({}, { preset: 'rcf' });
      await scene.applyAlert('all', { inclusionList: ['('] });
      await scene.applyAlert('astray', { providerRef: { name: 'hubb' } });
      await eventuallyTold(
        /^1x Alert all: InvalidConfig: spec\.inclusionList\[0\]: /,
        /^1x Alert astray: NotificationDispatchFailed: spec\.providerRef\.name: .* "hubb"/,
        /^1x Provider hub: InvalidConfig: metadata\.annotations\[cdevents\.toolkit\.fluxcd\.io\/preset\]: .* "?rcf/,
      );
    });
  });

  it('tell of labels that cannot be read, and of metadata with two sources', async () => {
    await scene.applyProvider();
    await scene.applyAlert('team', { eventSources: [{ kind: 'HelmRelease', name: '*', matchLabels: { a: 'b' } }] });
    await scene.applyAlert('all', { eventMetadata: { env: 'prod' } });
    await loaded(2);
    const event = { involvedObject: { name: 'nobody' }, metadata: { 'event.toolkit.fluxcd.io/env': 'dev' } };
    await scene.post(event);
    await scene.post({ ...event, message: 'again' });
    await eventuallyTold(
      /^1x Alert all: MetadataAppendFailed: .* env \(/,
      /^1x Alert team: SourceFetchFailed: labels of HelmRelease events\/nobody cannot be read: 404/,
    );
  });
});
