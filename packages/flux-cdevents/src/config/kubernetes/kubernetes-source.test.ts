import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../../test/helpers/eventually.ts';
import { type FakeApiServer, startFakeApiServer } from '../../../test/helpers/fake-api-server.ts';
import {
  aMappingObject,
  anAlertObject,
  aProviderObject,
  aSecretObject,
  NAMESPACE,
  NOTIFICATION_KINDS,
  NOTIFICATION_V1,
  serveNotification,
} from '../../../test/helpers/notification-objects.ts';
import { formatIssue } from '../../diagnostics/format.ts';
import { mappingReader } from '../../mapping/file/read-mapping.ts';
import { silentLogger } from '../../observe/log.ts';
import type { ConfigSnapshot } from '../config-source.ts';
import { createKubernetesSource, type KubernetesSource, type KubernetesSourceOptions } from './kubernetes-source.ts';

const NEVER_MS = 3_600_000;
const V1BETA3 = 'notification.toolkit.fluxcd.io/v1beta3';
const named = (name: string) => ({ namespace: NAMESPACE, name });

let api: FakeApiServer;
let source: KubernetesSource | undefined;
let snapshots: ConfigSnapshot[];

beforeEach(async () => {
  api = await startFakeApiServer();
  serveNotification(api);
  snapshots = [];
});
afterEach(async () => {
  await source?.close();
  source = undefined;
  await api.close();
});

/** Reads Secrets and ConfigMaps once, unless the options say otherwise. */
function create(options: Partial<KubernetesSourceOptions> = {}): KubernetesSource {
  const created = createKubernetesSource({
    api: api.client(),
    readMapping: mappingReader,
    logger: silentLogger(),
    settleMs: 10,
    referencesRefreshMs: NEVER_MS,
    referencesRetryMs: NEVER_MS,
    absentMs: 10,
    retryMs: 20,
    staleAfterMs: 60,
    ...options,
  });
  created.onChange((snapshot) => snapshots.push(snapshot));
  source = created;
  return created;
}
async function start(options: Partial<KubernetesSourceOptions> = {}): Promise<KubernetesSource> {
  const created = create(options);
  await created.start();
  await eventually(() => expect(api.watches).toBe(2));
  return created;
}

const statusOf = (name: string, snapshot = source?.snapshot()) =>
  snapshot?.providers.get(`${NAMESPACE}/${name}`)?.status;
const addressOf = (name: string) => {
  const provider = source?.snapshot()?.providers.get(`${NAMESPACE}/${name}`);
  return provider?.status === 'ready' ? provider.endpoint.address : provider?.status;
};
const problems = () => source?.snapshot()?.problems.map(formatIssue);

describe('the first snapshot', () => {
  it('waits for Secrets and ConfigMaps, and says for what it waits', async () => {
    api.put(aSecretObject('token', { token: 'x' }));
    api.put(aProviderObject('hub', { secretRef: { name: 'token' } }));
    api.fail('/secrets/token', 'hang');
    const waiting = create();
    void waiting.start().catch(() => {}); // it is closed before it has started
    await eventually(() => expect(waiting.waitsFor()).toEqual(['1 Secrets of Providers are not read yet']));
    expect(waiting.snapshot()).toBeUndefined();
  });

  it('waits for both types, and says which is missing', async () => {
    api.unserve(NOTIFICATION_V1);
    api.serve(NOTIFICATION_V1, { Provider: 'providers' });
    const waiting = create();
    const starting = waiting.start();
    await eventually(() =>
      expect(waiting.waitsFor()).toEqual([
        expect.stringMatching(/^Alerts are not served by the API server: is alerts\./),
      ]),
    );
    api.serve(NOTIFICATION_V1, NOTIFICATION_KINDS);
    await starting;
    expect(waiting.waitsFor()).toEqual([]);
  });

  it('comes without a Secret that may not be read, which is a problem', async () => {
    api.put(aProviderObject('hub', { secretRef: { name: 'token' } }));
    api.put(aProviderObject('open'));
    api.fail('/secrets/token', 403, { times: 100 });
    await start();
    expect([statusOf('hub'), statusOf('open')]).toEqual(['invalid', 'ready']);
    expect(problems()).toEqual([
      'Secret apps/token: expected permission to get it, found none: the API server forbids it',
      expect.stringMatching(/^Provider apps\/hub: spec\.secretRef\.name: /),
    ]);
  });
});

describe('changes', () => {
  it('in quick succession make one snapshot', async () => {
    await start({ settleMs: 50 });
    for (let index = 0; index < 20; index++) api.put(anAlertObject(`a-${index}`));
    await eventually(() => expect(source?.snapshot()?.alerts).toHaveLength(20));
    expect(snapshots.length).toBeLessThanOrEqual(3);
  });

  it('that say the same make no snapshot', async () => {
    api.put(aProviderObject('hub'));
    await start();
    api.put({ ...aProviderObject('hub'), status: { ready: true } });
    api.put(anAlertObject('marker'));
    await eventually(() => expect(source?.snapshot()?.alerts).toHaveLength(1));
    expect(snapshots).toHaveLength(2);
    const [first, second] = snapshots.map(({ providers }) => providers.get(`${NAMESPACE}/hub`));
    expect(second).toBe(first);
  });

  it('wait for the Secret of a new Provider', async () => {
    await start();
    api.put(aSecretObject('token', { address: 'http://one.example.com' }));
    api.put(aProviderObject('hub', { secretRef: { name: 'token' } }));
    await eventually(() => expect(addressOf('hub')).toBe('http://one.example.com'));
    expect(snapshots.map((snapshot) => statusOf('hub', snapshot))).not.toContain('invalid');
  });

  it('of a Provider have its Secrets and its mapping read again', async () => {
    const annotations = { 'cdevents.toolkit.fluxcd.io/mapping': 'rules' };
    const hub = (spec: object = {}) => aProviderObject('hub', { secretRef: { name: 'token' }, ...spec }, annotations);
    api.put(aSecretObject('token', { address: 'http://one.example.com' }));
    api.put(aMappingObject('rules', 'preset: none'));
    api.put(hub());
    await start();
    api.put(aSecretObject('token', { address: 'http://two.example.com' }));
    api.put(aMappingObject('rules', 'preset: rfc'));
    api.put(hub({ timeout: '7s' }));
    await eventually(() => expect(addressOf('hub')).toBe('http://two.example.com'));
    await eventually(() =>
      expect(source?.snapshot()?.providers.get(`${NAMESPACE}/hub`)).toMatchObject({ options: { preset: 'rfc' } }),
    );
  });

  it('of a Secret are seen at once when the receiver refused the credentials', async () => {
    api.put(aSecretObject('token', { address: 'http://one.example.com' }));
    api.put(aProviderObject('hub', { secretRef: { name: 'token' } }));
    const { refresh } = await start();
    api.put(aSecretObject('token', { address: 'http://two.example.com' }));
    refresh(named('hub'));
    await eventually(() => expect(addressOf('hub')).toBe('http://two.example.com'));
    refresh(named('nobody'));
  });
});

describe('an API server', () => {
  it('that is away changes nothing, and is a problem when it lasts', async () => {
    api.put(aProviderObject('hub'));
    api.put(anAlertObject('all'));
    await start();
    api.fail('/alerts', 503, { times: 1_000 });
    api.breakWatches();
    await eventually(() =>
      expect(problems()).toEqual([
        'API server: expected the objects as they are now, found Alerts cannot be watched: 503 ServiceUnavailable: as the test asked for',
      ]),
    );
    expect(source?.snapshot()?.alerts).toHaveLength(1);
    expect(statusOf('hub')).toBe('ready');
    api.put(anAlertObject('later'));
    api.heal();
    await eventually(() => expect(problems()).toEqual([]));
    await eventually(() => expect(source?.snapshot()?.alerts).toHaveLength(2));
  });

  it('that does not list the types for a moment changes nothing, and is a problem when it lasts', async () => {
    api.put(aProviderObject('hub'));
    api.put(anAlertObject('all'));
    await start({ relocateMs: 20 });
    api.unserve(NOTIFICATION_V1);
    api.endWatches();
    await eventually(() =>
      expect(problems()).toEqual([
        expect.stringMatching(/^API server: .*Alerts are not served by the API server: is alerts\./),
        expect.stringMatching(/^API server: .*Providers are not served by the API server: is providers\./),
      ]),
    );
    expect(source?.snapshot()?.unread).toHaveLength(2);
    expect([statusOf('hub'), source?.snapshot()?.alerts.length]).toEqual(['ready', 1]);
    serveNotification(api);
    await eventually(() => expect(problems()).toEqual([]));
    expect(source?.snapshot()?.unread).toEqual([]);
  });

  it('that is upgraded to a new version of the API changes nothing', async () => {
    api.unserve(NOTIFICATION_V1);
    api.serve(V1BETA3, NOTIFICATION_KINDS);
    api.put(aProviderObject('hub'));
    const { reference } = await start({ relocateMs: 20 });
    const before = source?.snapshot()?.providers.get(`${NAMESPACE}/hub`);
    api.serve(NOTIFICATION_V1, NOTIFICATION_KINDS);
    await eventually(() => expect(reference('Provider', named('hub'))?.apiVersion).toBe(NOTIFICATION_V1));
    expect(source?.snapshot()?.providers.get(`${NAMESPACE}/hub`)).toBe(before);
    expect(problems()).toEqual([]);
  });
});

it('names an object as a Kubernetes Event does', async () => {
  const resourceVersion = api.put(anAlertObject('all'));
  const { reference } = await start();
  expect(reference('Alert', named('all'))).toEqual({
    kind: 'Alert',
    apiVersion: NOTIFICATION_V1,
    namespace: NAMESPACE,
    name: 'all',
    uid: 'uid-1',
    resourceVersion,
  });
  expect(reference('Provider', named('all'))).toBeUndefined();
});

it('ignores Providers of other types, and their Secrets', async () => {
  api.put(aProviderObject('raw', { type: 'generic', secretRef: { name: 'no' } }));
  await start({ handledTypes: ['cdevents'] });
  expect(statusOf('raw')).toBe('foreign');
  expect(problems()).toEqual([]);
  expect(api.to('/secrets')).toEqual([]);
});

it('ends its watches and requests nothing more when it is closed', async () => {
  api.put(aSecretObject('token', { token: 'x' }));
  api.put(aProviderObject('hub', { secretRef: { name: 'token' } }));
  const client = api.client();
  const request = vi.fn(client.request);
  const closed = await start({ api: { ...client, request }, referencesRefreshMs: 10 });
  await closed.close();
  await eventually(() => expect(api.watches).toBe(0));
  request.mockClear();
  closed.refresh(named('hub'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(request).not.toHaveBeenCalled();
});
