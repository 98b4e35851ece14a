import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Addresses, type App, createApp } from '../src/app.ts';
import type { DeliveryPage } from '../src/http/api-types.ts';
import { silentLogger } from '../src/observe/log.ts';
import { resolveServeOptions } from '../src/options/serve-options.ts';
import { eventually } from './helpers/eventually.ts';
import { aFluxEvent } from './helpers/flux-events.ts';
import { type Receiver, startReceiver } from './helpers/receiver.ts';
import { serveDefaults } from './helpers/running-app.ts';

const provider = (name: string, address: string) => `apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: ${name}, namespace: flux-system}
spec: {type: cdevents, address: '${address}'}
`;
const alert = (name: string, to: string) => `apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: ${name}, namespace: flux-system}
spec:
  providerRef: {name: ${to}}
  eventSources: [{kind: HelmRelease, name: '*', namespace: apps}]
`;

let folder: string;
let receiver: Receiver;
let running: App | undefined;
let addresses: Addresses;

const pathOf = (name: string) => join(folder, 'config', name);
const asideOf = (name: string) => join(folder, `hidden-${name.replaceAll('/', '-')}`);
const write = (name: string, text: string) => writeFileSync(pathOf(name), text);
/** A link to itself can be read by nobody, not even by root: ELOOP. */
function hide(name: string) {
  renameSync(pathOf(name), asideOf(name));
  symlinkSync(pathOf(name), pathOf(name));
}
function reveal(name: string) {
  unlinkSync(pathOf(name));
  renameSync(asideOf(name), pathOf(name));
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-unread-'));
  mkdirSync(join(folder, 'config', 'sub'), { recursive: true });
  receiver = await startReceiver();
  write('sub/hub.yaml', provider('hub', receiver.url));
  write('alert.yaml', alert('all', 'hub'));
});
afterEach(async () => {
  await stop();
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start() {
  running = createApp(resolveServeOptions(serveDefaults(folder)), silentLogger());
  addresses = await running.start();
}
async function stop() {
  await running?.stop();
  running = undefined;
}
/** @returns the status of the answer */
const post = async (message: string) => {
  const body = JSON.stringify(aFluxEvent({ message }));
  return (await fetch(addresses.events, { method: 'POST', body })).status;
};
const entries = async () => {
  const answer = await fetch(`${addresses.ui}/api/v1/deliveries`);
  return ((await answer.json()) as DeliveryPage).entries;
};
const states = async () => (await entries()).map(({ state }) => state).sort();
const problems = async () => {
  const answer = await fetch(`${addresses.ui}/api/v1/problems`);
  return JSON.stringify(await answer.json());
};
const ready = async () => {
  const answer = await fetch(`${addresses.health}/readyz`);
  return `${answer.status} ${await answer.text()}`;
};

describe.each([
  ['a file', 'sub/hub.yaml'],
  ['a folder', 'sub'],
])('%s of the configuration that cannot be read', (_, hidden) => {
  it('changes nothing: its Provider receives events', async () => {
    await start();
    hide(hidden);
    await eventually(async () => expect(await problems()).toContain('ELOOP'));
    expect(await post('1')).toBe(202);
    await eventually(async () => expect(await states()).toEqual(['delivered']));
    expect(await ready()).toBe('200 ok\n'); // not for a minute yet
  });

  it('while the controller starts abandons no queue: its events wait, old ones and new ones', async () => {
    receiver.answer(503);
    await start();
    expect(await post('1')).toBe(202);
    await stop();
    hide(hidden);
    await start();
    expect(await post('2')).toBe(202);
    await eventually(async () => expect(await problems()).toContain('ELOOP'));
    expect(await states()).not.toContain('dead-letter');
    expect(await entries()).toHaveLength(2);
    receiver.answer(202);
    reveal(hidden);
    await eventually(async () => expect(await states()).toEqual(['delivered', 'delivered']));
  });

  it('and is then deleted takes its Provider with it, whose queue becomes dead letters', async () => {
    receiver.answer(503);
    await start();
    expect(await post('1')).toBe(202);
    await stop();
    hide(hidden);
    await start();
    await eventually(async () => expect(await problems()).toContain('ELOOP'));
    expect(await states()).toEqual([expect.stringMatching(/^(pending|delivering)$/)]);
    unlinkSync(pathOf(hidden));
    await eventually(async () => expect(await states()).toEqual(['dead-letter']));
    expect(await entries()).toMatchObject([
      { lastError: expect.stringMatching(/^Provider flux-system\/hub was deleted/) },
    ]);
  });
});

it('an event is refused while an Alert that may select it cannot be read', async () => {
  hide('alert.yaml');
  await start();
  expect(await post('1')).toBe(503);
  reveal('alert.yaml');
  await eventually(async () => expect(await post('1')).toBe(202));
  await eventually(async () => expect(await states()).toEqual(['delivered']));
});

it('a Provider whose YAML is broken when the controller starts keeps its queue', async () => {
  receiver.answer(503);
  await start();
  expect(await post('1')).toBe(202);
  await stop();
  write('sub/hub.yaml', 'oops: [');
  await start();
  await eventually(async () => expect(await problems()).toContain('sub/hub.yaml:1'));
  expect(await states()).not.toContain('dead-letter');
  receiver.answer(202);
  write('sub/hub.yaml', provider('hub', receiver.url));
  await eventually(async () => expect(await states()).toEqual(['delivered']));
});
