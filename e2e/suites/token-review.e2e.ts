import { afterAll, beforeAll, expect, it } from 'vitest';
import { aFluxEvent } from '../../packages/flux-cdevents/test/helpers/flux-events.ts';
import type { Api } from '../api.ts';
import { type Cluster, startCluster } from '../cluster.ts';
import { type Controller, startController } from '../controller.ts';
import { kustomize } from '../render.ts';
import { applyShipped, asController } from '../shipped.ts';
import { describeOnCluster, tools } from '../suite.ts';
import { eventually } from '../wait.ts';

const AUDIENCE = 'toolkit.fluxcd.io';

describeOnCluster('--events-auth token-review', () => {
  let cluster: Cluster;
  let admin: Api;
  let controller: Controller;
  beforeAll(async () => {
    cluster = await startCluster(tools());
    admin = cluster.admin;
    await applyShipped(admin);
    for (const [namespace, name] of [
      ['flux-system', 'helm-controller'],
      ['flux-system', 'somebody'],
      ['default', 'helm-controller'],
    ] as const) {
      await admin.namespace(namespace);
      await admin.apply([{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } }]);
    }
    controller = await startController({
      access: await asController(admin),
      flags: ['--events-auth', 'token-review'],
      env: { RUNTIME_NAMESPACE: 'flux-system' },
    });
    await controller.ready();
  });
  afterAll(async () => {
    await controller?.stop();
    await cluster?.stop();
  });

  let count = 0;
  const post = async (token?: string) => {
    const answer = await fetch(controller.urls.events, {
      method: 'POST',
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      body: JSON.stringify(aFluxEvent({ message: `event ${++count}` })),
    });
    return { status: answer.status, body: await answer.text() };
  };

  it('answers 503 as long as it may not ask, and says why', async () => {
    expect(await post(await admin.tokenFor('flux-system', 'helm-controller', AUDIENCE))).toMatchObject({ status: 503 });
    await controller.logged(/token review: 403 Forbidden/);

    const manifests = await kustomize(tools(), {
      resources: ['deploy/base'],
      components: ['deploy/components/token-review'],
    });
    await admin.apply(manifests.filter(({ kind }) => kind === 'ClusterRole'));
    await eventually(async () =>
      expect(await post(await admin.tokenFor('flux-system', 'helm-controller', AUDIENCE))).toMatchObject({
        status: 202,
      }),
    );
  });

  it.each<[string, number, () => Promise<string | undefined>]>([
    ['a Flux controller', 202, () => admin.tokenFor('flux-system', 'helm-controller', AUDIENCE)],
    ['nobody', 401, async () => undefined],
    ['a token for the API server', 401, () => admin.tokenFor('flux-system', 'helm-controller')],
    ['a token for another audience', 401, () => admin.tokenFor('flux-system', 'helm-controller', 'other')],
    ['another ServiceAccount', 401, () => admin.tokenFor('flux-system', 'somebody', AUDIENCE)],
    ['one of that name elsewhere', 401, () => admin.tokenFor('default', 'helm-controller', AUDIENCE)],
    [
      'a token whose signature is not right',
      401,
      async () => `${(await admin.tokenFor('flux-system', 'helm-controller', AUDIENCE)).slice(0, -8)}AAAAAAAA`,
    ],
    ['the administrator of the cluster', 401, async () => admin.access.token],
  ])('%s: %d', async (_, status, token) => {
    expect(await post(await token())).toEqual({ status, body: '' });
  });

  it('uses remembered reviews while the API server is away, and answers 503 to other tokens', async () => {
    const known = await admin.tokenFor('flux-system', 'helm-controller', AUDIENCE);
    const unknown = await admin.tokenFor('flux-system', 'helm-controller', AUDIENCE);
    expect(await post(known)).toMatchObject({ status: 202 });
    await cluster.killApiServer();
    expect(await post(known)).toMatchObject({ status: 202 });
    expect(await post(unknown)).toMatchObject({ status: 503 });
    await cluster.startApiServer();
    await eventually(async () => expect(await post(unknown)).toMatchObject({ status: 202 }));
  });
});
