import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHttp } from 'cdevents-sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Addresses, type App, createApp } from '../src/app.ts';
import type { FluxEvent } from '../src/flux/event.ts';
import type { DeliveryPage, ProvidersAnswer } from '../src/http/api-types.ts';
import { silentLogger } from '../src/observe/log.ts';
import { resolveServeOptions } from '../src/options/serve-options.ts';
import { aFluxEvent, aKustomizationEvent } from './helpers/flux-events.ts';
import { type ReceivedRequest, type Receiver, startReceiver } from './helpers/receiver.ts';
import { RFC_PROVIDER } from './helpers/rfc-example.ts';
import { serveDefaults } from './helpers/running-app.ts';

const secret = (address: string, more = '') => `apiVersion: v1
kind: Secret
metadata: {name: generic-token, namespace: flux-system}
stringData:
  token: s3cr3t
  address: ${address}
${more}`;
const alert = (name: string, spec = '') => `apiVersion: notification.toolkit.fluxcd.io/v1beta2
kind: Alert
metadata: {name: ${name}, namespace: flux-system}
spec:
  providerRef: {name: cdevents-provider}
  eventSources:
    - {kind: HelmRelease, name: '*', namespace: apps}
    - {kind: Kustomization, name: '*'}
  ${spec}
`;
const annotated = (name: string, value: string) =>
  RFC_PROVIDER.replace('metadata:', `metadata:\n  annotations: {cdevents.toolkit.fluxcd.io/${name}: '${value}'}`);

let folder: string;
let receiver: Receiver;
let running: App | undefined;

const configFile = (name: string) => join(folder, 'config', name);
const write = (name: string, text: string) => writeFileSync(configFile(name), text);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-app-'));
  mkdirSync(join(folder, 'config'));
  receiver = await startReceiver();
  write('provider.yaml', RFC_PROVIDER);
  write('secret.yaml', secret(receiver.url));
  write('alert.yaml', alert('all'));
});
afterEach(async () => {
  await stop();
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

const anApp = (): App => createApp(resolveServeOptions(serveDefaults(folder)), silentLogger());

async function start() {
  const app = anApp();
  const addresses = await app.start();
  running = app;
  return clientOf(addresses);
}
async function stop() {
  await running?.stop();
  running = undefined;
}

function clientOf({ events, ui, metrics, health }: Addresses) {
  const get = async <T>(path: string) => (await (await fetch(`${ui}/api/v1/${path}`)).json()) as T;
  return {
    post: async (event: FluxEvent) => (await fetch(events, { method: 'POST', body: JSON.stringify(event) })).status,
    deliveries: async () => (await get<DeliveryPage>('deliveries')).entries,
    providers: async () => (await get<ProvidersAnswer>('providers')).providers,
    replay: (body: object) =>
      fetch(`${ui}/api/v1/deliveries/replay`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    scrape: async () => (await fetch(`${metrics}/metrics`)).text(),
    ready: async () => (await fetch(`${health}/readyz`)).status,
  };
}

const cdeventIn = ({ headers, body }: ReceivedRequest) => {
  const [cdevent] = fromHttp({ headers, body });
  if (!cdevent) throw new Error('no CDEvent in the request');
  return cdevent;
};

describe("with the RFC's own Provider", () => {
  it('a Flux event in is a CDEvent out, with the token of the Secret', async () => {
    const { post } = await start();
    expect(await post(aFluxEvent({ reason: 'InstallSucceeded' }))).toBe(202);
    const [request] = await receiver.received(1);
    if (!request) throw new Error('nothing received');
    expect(request).toMatchObject({
      method: 'POST',
      headers: {
        authorization: 'Bearer s3cr3t',
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-source': '/flux/helm-controller',
        'ce-type': 'dev.cdevents.environment.modified.0.2.0',
        'ce-subject': 'apps',
        'ce-time': '2026-11-24T07:49:41Z',
        'ce-partitionkey': aFluxEvent().involvedObject.uid,
      },
    });
    const { context, customData } = cdeventIn(request);
    expect(context.id).toBe(request.headers['ce-id']);
    expect(customData).toMatchObject({
      flux: { reason: 'InstallSucceeded', release: { name: 'podinfo', version: 2 } },
    });
  });

  it.each(['structured', 'batched'])('content mode %s', async (mode) => {
    write('provider.yaml', annotated('content-mode', mode));
    const { post } = await start();
    await post(aFluxEvent());
    const [request] = await receiver.received(1);
    expect(request && cdeventIn(request).context.type).toBe('dev.cdevents.taskrun.finished.0.2.0');
  });

  it('shows no secret anywhere', async () => {
    receiver.answer(503);
    const { post, deliveries, providers, scrape } = await start();
    await post(aFluxEvent());
    await receiver.received(1);
    await vi.waitFor(async () => expect((await deliveries())[0]?.lastError).toBeDefined());
    const shown = JSON.stringify([await deliveries(), await providers(), await scrape()]);
    expect(shown).toContain('answered 503');
    expect(shown).not.toContain('s3cr3t');
    expect(shown).not.toContain(receiver.url);
  });
});

describe('nothing accepted is lost', () => {
  it('over a restart while the receiver is away', async () => {
    receiver.answer(503);
    const before = await start();
    const events = ['UpgradeFailed', 'RollbackSucceeded', 'TestSucceeded'].map((reason) => aFluxEvent({ reason }));
    for (const event of events) expect(await before.post(event)).toBe(202);
    await receiver.received(1);
    await stop();

    receiver.answer(202);
    const after = await start();
    await vi.waitFor(
      async () => expect((await after.deliveries()).map(({ state }) => state)).toEqual(Array(3).fill('delivered')),
      { timeout: 10_000 },
    );
    const delivered = receiver.requests.slice(-3).map((request) => cdeventIn(request).customData);
    expect(delivered).toMatchObject(events.map(({ reason }) => ({ flux: { reason } })));
  });

  it('while a Provider says something wrong: its events wait and come in order', async () => {
    write('provider.yaml', annotated('spec-version', '0.9'));
    const { post, deliveries, providers } = await start();
    for (const reason of ['UpgradeFailed', 'RollbackSucceeded']) expect(await post(aFluxEvent({ reason }))).toBe(202);
    expect(await deliveries()).toMatchObject([{ type: 'unmapped' }, { type: 'unmapped' }]);
    expect(await providers()).toMatchObject([
      {
        status: 'invalid',
        issues: [{ path: expect.stringContaining('spec-version'), found: expect.stringContaining('0.9') }],
      },
    ]);

    write('provider.yaml', RFC_PROVIDER);
    const requests = await receiver.received(2);
    expect(requests.map((request) => cdeventIn(request).subject.content.outcome)).toEqual(['failure', 'success']);
  });

  it('while a mapping says something wrong: its events wait for rules that are right', async () => {
    const rules = (type: string) => `apiVersion: v1
kind: ConfigMap
metadata: {name: rules, namespace: flux-system}
data:
  mapping.yaml: |
    preset: service
    rules:
      - name: mine
        match: event.reason == 'UpgradeSucceeded'
        emit:
          - type: ${type}
`;
    write('provider.yaml', annotated('mapping', 'rules'));
    write('rules.yaml', rules('service.upgradet'));
    const { post, deliveries, providers } = await start();
    for (const reason of ['InstallSucceeded', 'UpgradeSucceeded']) {
      expect(await post(aFluxEvent({ reason }))).toBe(202);
    }
    expect(await deliveries()).toMatchObject([{ type: 'unmapped' }, { type: 'unmapped' }]);
    expect(await providers()).toMatchObject([
      { status: 'invalid', issues: [{ path: 'ConfigMap rules: mapping.yaml:6:15: rules[0].emit[0].type' }] },
    ]);

    write('rules.yaml', rules('environment.modified'));
    const requests = await receiver.received(2);
    expect(requests.map((request) => cdeventIn(request).context.type)).toEqual([
      'dev.cdevents.service.deployed.0.2.0',
      'dev.cdevents.environment.modified.0.2.0',
    ]);
    expect(await providers()).toMatchObject([{ status: 'ready', options: { mapping: 'rules', preset: 'service' } }]);
  });

  it('when a Provider is deleted: its queue becomes dead letters, which can be replayed', async () => {
    receiver.answer(503);
    const { post, deliveries, replay } = await start();
    await post(aFluxEvent());
    await receiver.received(1);
    rmSync(configFile('provider.yaml'));
    await vi.waitFor(async () => expect(await deliveries()).toMatchObject([{ state: 'dead-letter' }]), {
      timeout: 5000,
    });

    write('provider.yaml', RFC_PROVIDER);
    receiver.answer(202);
    await vi.waitFor(async () => {
      expect((await replay({ all: true })).status).toBe(200);
      expect(await deliveries()).toMatchObject([{ state: 'delivered' }]);
    }, 10_000);
    const ids = new Set(receiver.requests.map(({ headers }) => headers['ce-id']));
    expect(ids.size).toBe(1);
  });

  it('when an event comes between an Alert and its Provider: it is delivered when the Provider is there', async () => {
    rmSync(configFile('provider.yaml'));
    const { post, deliveries } = await start();
    expect(await post(aFluxEvent())).toBe(202);
    expect(await deliveries()).toMatchObject([
      { state: 'dead-letter', lastError: expect.stringContaining('does not exist') },
    ]);
    write('provider.yaml', RFC_PROVIDER);
    const [request] = await receiver.received(1);
    expect(request && cdeventIn(request).context.type).toBe('dev.cdevents.taskrun.finished.0.2.0');
  });

  it('when one event is posted twice: it is one', async () => {
    const { post, deliveries } = await start();
    expect(await post(aFluxEvent())).toBe(202);
    expect(await post(aFluxEvent())).toBe(429);
    expect(await deliveries()).toHaveLength(1);
  });
});

describe('a change of the configuration', () => {
  it('counts within a second, and a broken one changes nothing', async () => {
    const { post, scrape, ready } = await start();
    expect(await ready()).toBe(200);
    write('alert.yaml', 'apiVersion: notification.toolkit.fluxcd.io/v1beta2\nkind: Alert\nmetadata: [');
    await vi.waitFor(async () => expect(await scrape()).toMatch(/config_problems\{severity="error"\} [1-9]/), 5000);
    expect(await post(aFluxEvent())).toBe(202);
    await receiver.received(1);

    write('alert.yaml', alert('all', 'exclusionList: [finished]'));
    await vi.waitFor(async () => expect(await scrape()).toMatch(/config_problems\{severity="error"\} 0/), 5000);
    expect(await post(aKustomizationEvent({ commitStatus: true }))).toBe(202);
    await post(aFluxEvent({ reason: 'TestSucceeded' }));
    const requests = await receiver.received(2);
    expect(requests.map((request) => cdeventIn(request).customData)).toMatchObject([
      { flux: { reason: 'UpgradeSucceeded' } },
      { flux: { reason: 'TestSucceeded' } },
    ]);
  });
});

it('is refused for a second process on the same store', async () => {
  await start();
  await expect(anApp().start()).rejects.toMatchObject({ code: 'FCE_STORE_LOCKED' });
});

it('releases everything when it cannot start', async () => {
  rmSync(join(folder, 'config'), { recursive: true });
  await expect(anApp().start()).rejects.toMatchObject({ code: 'FCE_CONFIG_INVALID' });
  mkdirSync(join(folder, 'config'));
  await start();
});
