import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type App, createApp } from '../src/app.ts';
import type { DeliveryPage, ProvidersAnswer } from '../src/http/api-types.ts';
import { silentLogger } from '../src/observe/log.ts';
import { resolveServeOptions } from '../src/options/serve-options.ts';
import { aFluxEvent } from './helpers/flux-events.ts';
import { type Receiver, startReceiver } from './helpers/receiver.ts';
import { serveDefaults } from './helpers/running-app.ts';

const configuration = (hub: string) => `apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata: {name: hub, namespace: flux-system}
spec: {type: cdevents, address: '${hub}'}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata: {name: raw, namespace: flux-system}
spec: {type: generic, address: '${hub}/raw'}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Alert
metadata: {name: hub, namespace: flux-system}
spec:
  providerRef: {name: hub}
  eventSources: [{kind: HelmRelease, name: '*', namespace: apps}]
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Alert
metadata: {name: raw, namespace: flux-system}
spec:
  providerRef: {name: raw}
  eventSources: [{kind: HelmRelease, name: '*', namespace: apps}]
`;

let folder: string;
let hub: Receiver;
let controller: Receiver;
let running: App | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-forward-'));
  mkdirSync(join(folder, 'config'));
  [hub, controller] = [await startReceiver(), await startReceiver()];
  writeFileSync(join(folder, 'config', 'all.yaml'), configuration(hub.url));
});
afterEach(async () => {
  await stop();
  await hub.close();
  await controller.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(forwardTo = `${controller.url}/`) {
  const options = resolveServeOptions({ ...serveDefaults(folder), forwardTo });
  running = createApp(options, silentLogger());
  const { events, ui, metrics } = await running.start();
  const get = async <T>(path: string) => (await (await fetch(`${ui}/api/v1/${path}`)).json()) as T;
  return {
    post: async (body: string) => (await fetch(events, { method: 'POST', body })).status,
    forwarded: async () => (await get<DeliveryPage>('deliveries?provider=_/forward-to')).entries,
    detail: (id: string) => get<object>(`deliveries/${id}`),
    providers: async () => (await get<ProvidersAnswer>('providers')).providers,
    send: (provider: string) =>
      fetch(`${ui}/api/v1/providers/${provider}/send`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      }),
    replay: (body: object) =>
      fetch(`${ui}/api/v1/deliveries/replay`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    scrape: async () => (await fetch(`${metrics}/metrics`)).text(),
  };
}
async function stop() {
  await running?.stop();
  running = undefined;
}

/** Spelled as no JSON.stringify would, with what a FluxEvent does not keep. */
const bodyOf = (reason: string, event = aFluxEvent({ reason })) =>
  ` ${JSON.stringify({ ...event, unknown: 'é', relatedObject: null }, null, 1)}\n`;

describe('every event goes on to the notification-controller', () => {
  it('byte for byte, and as a CDEvent to its receiver', async () => {
    const { post } = await start();
    const body = bodyOf('UpgradeSucceeded');
    expect(await post(body)).toBe(202);
    const [request] = await controller.received(1);
    expect(request).toMatchObject({ method: 'POST', path: '/', body, headers: { 'content-type': 'application/json' } });
    expect(request?.headers).not.toHaveProperty('gotk-component');
    expect(request?.headers).not.toHaveProperty('ce-id');
    const [cdevent] = await hub.received(1);
    expect(cdevent?.headers['ce-type']).toBe('dev.cdevents.taskrun.finished.0.2.0');
    expect(hub.requests).toHaveLength(1); // the generic Provider is left to it
  });

  it('even if no Alert selects it; but no repeat, and nothing that is not an event', async () => {
    const { post } = await start();
    const body = bodyOf('NewArtifact', aFluxEvent({ involvedObject: { kind: 'Bucket' } }));
    expect(await post(body)).toBe(202);
    expect(await post(body)).toBe(429);
    expect(await post('{}')).toBe(400);
    await controller.received(1);
    expect(await post(bodyOf('TestFailed'))).toBe(202);
    const requests = await controller.received(2);
    expect(requests.map((request) => request.body)).toEqual([body, bodyOf('TestFailed')]);
  });

  it('in the order of its object', async () => {
    const { post, forwarded } = await start();
    controller.next(503);
    const bodies = ['UpgradeFailed', 'RollbackSucceeded', 'TestSucceeded'].map((reason) => bodyOf(reason));
    for (const body of bodies) expect(await post(body)).toBe(202);
    const requests = await controller.received(4);
    expect(requests.map((request) => request.body)).toEqual([bodies[0], ...bodies]);
    await vi.waitFor(async () => expect((await forwarded()).every(({ state }) => state === 'delivered')).toBe(true));
  });
});

describe('what it answers', () => {
  it.each<[string, Parameters<Receiver['next']>[0], object]>([
    ['429: it has the event', { status: 429, retryAfter: '300' }, { state: 'delivered' }],
    ['202', 202, { state: 'delivered' }],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, { state: 'dead-letter' }],
    ['400', 400, { state: 'dead-letter' }],
    ['410, which stops nothing', 410, { state: 'dead-letter' }],
  ])('%s', async (_, answer, expected) => {
    const { post, forwarded } = await start();
    controller.next(answer);
    expect(await post(bodyOf('UpgradeSucceeded'))).toBe(202);
    await vi.waitFor(async () => expect(await forwarded()).toMatchObject([expected]));
    expect(controller.requests).toHaveLength(1);
    await post(bodyOf('TestSucceeded'));
    expect(await controller.received(2)).toHaveLength(2);
  });
});

it('an absent one delays no answer and no CDEvent', async () => {
  controller.answer('hang');
  const { post } = await start();
  const reasons = ['UpgradeFailed', 'RollbackSucceeded', 'TestSucceeded', 'InstallFailed'];
  for (const reason of reasons) expect(await post(bodyOf(reason))).toBe(202);
  expect(await hub.received(reasons.length)).toHaveLength(reasons.length);
  expect((await controller.received(1)).length).toBe(1);
  await controller.close(); // which ends what hangs
});

it('nothing is lost over a restart while it is away', async () => {
  controller.answer(503);
  const before = await start();
  const bodies = ['UpgradeFailed', 'RollbackSucceeded'].map((reason) => bodyOf(reason));
  for (const body of bodies) expect(await before.post(body)).toBe(202);
  await controller.received(1);
  await stop();

  const count = controller.requests.length;
  controller.answer(202);
  const after = await start();
  await vi.waitFor(
    async () => expect((await after.forwarded()).every(({ state }) => state === 'delivered')).toBe(true),
    {
      timeout: 10_000,
    },
  );
  expect(controller.requests.slice(count).map((request) => request.body)).toEqual(bodies);
});

it('a dead letter can be inspected and replayed, mapped again or not', async () => {
  const { post, forwarded, detail, replay, providers, scrape, send } = await start();
  controller.next(400);
  await post(bodyOf('UpgradeSucceeded'));
  await vi.waitFor(async () => expect(await forwarded()).toMatchObject([{ state: 'dead-letter' }]));
  const [entry] = await forwarded();
  expect(entry).toMatchObject({
    provider: '_/forward-to',
    type: 'forward',
    object: 'HelmRelease/apps/podinfo',
    reason: 'UpgradeSucceeded',
    lastError: expect.stringContaining('answered 400'),
  });
  const shown = JSON.stringify(await detail(entry?.id ?? ''));
  expect(shown).toContain('UpgradeSucceeded');
  expect(shown).not.toContain('helm.toolkit.fluxcd.io/token');
  expect(await providers()).toContainEqual(
    expect.objectContaining({ namespace: '_', name: 'forward-to', status: 'ready', address: `${controller.url}/` }),
  );
  expect(await scrape()).toContain('flux_cdevents_dead_letters{namespace="_",provider="forward-to"} 1');
  expect((await send('_/forward-to')).status).toBeGreaterThanOrEqual(400);

  for (const remap of [false, true]) {
    const count = controller.requests.length;
    expect((await replay({ ids: [entry?.id], states: ['dead-letter', 'delivered'], remap })).status).toBe(200);
    const requests = await controller.received(count + 1);
    expect(requests.at(-1)?.body).toBe(bodyOf('UpgradeSucceeded'));
    await vi.waitFor(async () => expect(await forwarded()).toMatchObject([{ state: 'delivered' }]));
  }
});

it('switched off, its queue becomes dead letters', async () => {
  controller.answer(503);
  const { post } = await start();
  await post(bodyOf('UpgradeSucceeded'));
  await controller.received(1);
  await stop();
  const { forwarded } = await start('');
  await vi.waitFor(async () => expect(await forwarded()).toMatchObject([{ state: 'dead-letter' }]));
});
