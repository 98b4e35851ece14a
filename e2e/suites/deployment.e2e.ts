import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type Certificate,
  type CertificateAuthority,
  createAuthority,
} from '../../packages/flux-cdevents/test/helpers/certificates.ts';
import { type Receiver, startReceiver } from '../../packages/flux-cdevents/test/helpers/receiver.ts';
import type { Api, KubeObject } from '../api.ts';
import { type Cluster, startCluster } from '../cluster.ts';
import { argsOf } from '../fixtures/deployments.ts';
import { fluxCDEvents, kustomize } from '../render.ts';
import { objectsIn, type Scene, startScene } from '../scene.ts';
import { applyShipped } from '../shipped.ts';
import { describeOnCluster, tools } from '../suite.ts';
import { createTempFolder, type TempFolder } from '../temp-folder.ts';

const NAMESPACE = 'flux-system';
const render = (...components: string[]): Promise<KubeObject[]> =>
  kustomize(tools(), {
    resources: ['deploy/base'],
    components: components.map((name) => `deploy/components/${name}`),
  });
const deploymentArgs = (objects: readonly KubeObject[]): string[] =>
  objects.filter(({ kind }) => kind === 'Deployment').flatMap(argsOf);

describeOnCluster('the arguments of the Deployment', () => {
  it.each(['', 'forward', 'mtls', 'token-review', 'webhook'])(
    'with the component "%s" are known',
    async (component) => {
      const help = await fluxCDEvents('serve', '--help');
      const flags = deploymentArgs(await render(...(component ? [component] : [])))
        .filter((arg) => arg.startsWith('--'))
        .map((arg) => arg.replace(/=.*/s, ''));
      expect(flags).toContain('--kubernetes');
      expect(flags.filter((flag) => !help.includes(`${flag} `))).toEqual([]);
    },
  );
});

describeOnCluster('the Deployment with forward, mtls and token-review', () => {
  let cluster: Cluster;
  let admin: Api;
  let scene: Scene;
  let folder: TempFolder;
  let upstream: Receiver;
  let authority: CertificateAuthority;
  beforeEach(async () => {
    folder = createTempFolder('deployment');
    cluster = await startCluster(tools());
    admin = cluster.admin;
    await applyShipped(admin);
    const objects = await render('forward', 'mtls', 'token-review');
    await admin.apply(objects);
    await admin.apply([
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: NAMESPACE, name: 'helm-controller' } },
    ]);
    upstream = await startReceiver();
    authority = await createAuthority();
    const { cert, key } = await authority.server();
    for (const [name, text] of Object.entries({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': authority.ca })) {
      writeFileSync(join(folder.path, name), text, { mode: 0o600 });
    }
    // Only two places differ: the folder of the certificate and the address of the notification-controller.
    const flags = deploymentArgs(objects)
      .filter((arg) => !/^(serve$|--data-dir|--ui-addr)/.test(arg))
      .map((arg) =>
        arg
          .replaceAll('$(RUNTIME_NAMESPACE)', NAMESPACE)
          .replace('/etc/flux-cdevents/events-tls', folder.path)
          .replace(/^--forward-to=.*/, `--forward-to=${upstream.url}`),
      );
    scene = await startScene({ admin, namespace: NAMESPACE, flags, env: { RUNTIME_NAMESPACE: NAMESPACE } });
  });
  afterEach(async () => {
    await scene.close();
    await upstream.close();
    await cluster.stop();
    folder.remove();
  });

  /** @returns the status of the answer, or the code of the error */
  const post = (client: Partial<Certificate>, token: string | undefined, body: string) =>
    new Promise<number | string>((resolve) => {
      const { port } = new URL(scene.controller.urls.events);
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const outgoing = request(
        { host: 'localhost', port, method: 'POST', ca: authority.ca, headers, agent: false, ...client },
        (answer) => answer.resume().once('end', () => resolve(answer.statusCode ?? 0)),
      );
      outgoing.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      outgoing.end(body);
    });

  it('takes events of a Flux controller with its certificate and its token, and passes them on', async () => {
    await scene.applyProvider();
    await scene.applyAlert('all');
    await scene.settled('all');
    const spiffeId = (name: string) => `spiffe://cluster.local/ns/${NAMESPACE}/sa/${name}`;
    const helmController = await authority.client('x', { uris: [spiffeId('helm-controller')] });
    const token = await admin.tokenFor(NAMESPACE, 'helm-controller', 'toolkit.fluxcd.io');
    const event = scene.event();
    const body = JSON.stringify(event);

    expect(await post({}, token, body)).toBeTypeOf('string');
    expect(await post(await authority.client('x', { uris: [spiffeId('somebody')] }), token, body)).toBe(401);
    expect(await post(helmController, undefined, body)).toBe(401);
    expect(await post(helmController, token, body)).toBe(202);

    expect(objectsIn(await scene.receiver.received(1))).toEqual([event.involvedObject.name]);
    expect((await upstream.received(1)).map((passedOn) => passedOn.body)).toEqual([body]);
    expect((await fetch(`${scene.controller.urls.health}/healthz`)).status).toBe(200);
  });
});
