import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/helpers/eventually.ts';
import { type FakeApiServer, startFakeApiServer } from '../../../test/helpers/fake-api-server.ts';
import { anAlertObject, NOTIFICATION_KINDS, NOTIFICATION_V1 } from '../../../test/helpers/notification-objects.ts';
import { createDiscovery } from '../../kube-api/discovery.ts';
import { silentLogger } from '../../observe/log.ts';
import { type Collection, type CollectionOptions, createCollection } from './collection.ts';
import { locateNotification } from './notification-objects.ts';

const ALERTS = '/apis/notification.toolkit.fluxcd.io/v1/alerts';
const V1BETA3 = 'notification.toolkit.fluxcd.io/v1beta3';

let api: FakeApiServer;
let running: AbortController;
let runs: Promise<void>[];
let changes: number;
let parsed: unknown[];

beforeEach(async () => {
  api = await startFakeApiServer();
  api.serve(NOTIFICATION_V1, NOTIFICATION_KINDS);
  running = new AbortController();
  runs = [];
  changes = 0;
  parsed = [];
});
afterEach(async () => {
  running.abort();
  await Promise.all(runs);
  await api.close();
});

/** The value of an object is the severity that its Alert selects. */
function start(options: Partial<CollectionOptions<unknown>> = {}): Collection<unknown> {
  const client = api.client();
  const discovery = createDiscovery(client);
  const collection = createCollection<unknown>({
    api: client,
    title: 'Alerts',
    definition: 'alerts.example.com',
    locate: () => locateNotification(discovery, 'Alert'),
    parse(document) {
      parsed.push(document);
      return (document as { spec: { eventSeverity?: string } }).spec.eventSeverity ?? 'info';
    },
    onChange: () => changes++,
    logger: silentLogger(),
    absentMs: 20,
    retryMs: 20,
    staleAfterMs: 60,
    ...options,
  });
  runs.push(collection.run(running.signal));
  return collection;
}

const contentOf = ({ items }: Collection<unknown>) =>
  Object.fromEntries([...items].map(([name, { value }]) => [name, value]));
const expectContent = (collection: Collection<unknown>, expected: object) =>
  eventually(() => expect(contentOf(collection)).toEqual(expected));
/** Waits for the first list and the watch that follows it. */
const upToDate = (collection: Collection<unknown>) =>
  eventually(() => {
    expect(collection.waitsFor()).toBeUndefined();
    expect(api.watches).toBe(1);
  });
const lists = () => api.to('/alerts').filter(({ query }) => query.get('watch') === null);
const watches = () => api.to('/alerts').filter(({ query }) => query.get('watch') === 'true');

describe('the list', () => {
  it('is read in pages', async () => {
    api.pageSize = 2;
    for (const name of ['a', 'b', 'c', 'd', 'e']) api.put(anAlertObject(name));
    const collection = start();
    await upToDate(collection);
    expect([...collection.items.keys()]).toEqual(['apps/a', 'apps/b', 'apps/c', 'apps/d', 'apps/e']);
    expect(lists()).toHaveLength(3);
    expect(changes).toBe(1);
  });

  it('starts again when the API server expires it between two pages', async () => {
    api.pageSize = 1;
    for (const name of ['a', 'b']) api.put(anAlertObject(name));
    let discarded = false;
    const client = api.client();
    const collection = start({
      api: {
        watch: (...args) => client.watch(...args),
        request(request) {
          if (request.path.includes('continue') && !discarded) {
            discarded = true;
            api.delete(anAlertObject('a'));
            api.put(anAlertObject('c'));
            api.expireHistory();
          }
          return client.request(request);
        },
      },
    });
    await upToDate(collection);
    expect(contentOf(collection)).toEqual({ 'apps/b': 'info', 'apps/c': 'info' });
  });

  it('is of one namespace where one is given', async () => {
    api.put(anAlertObject('here'));
    api.put({ ...anAlertObject('there'), metadata: { namespace: 'other', name: 'there' } });
    const collection = start({ namespace: 'apps' });
    await upToDate(collection);
    api.put({ ...anAlertObject('later'), metadata: { namespace: 'other', name: 'later' } });
    api.put(anAlertObject('last'));
    await expectContent(collection, { 'apps/here': 'info', 'apps/last': 'info' });
  });

  it('is not there while it is forbidden, and says why', async () => {
    api.put(anAlertObject('a'));
    api.fail('/v1/alerts', 403, { times: 1_000 });
    const collection = start();
    await eventually(() =>
      expect(collection.waitsFor()).toBe('Alerts cannot be listed: 403 Forbidden: as the test asked for'),
    );
    expect(collection.items.size).toBe(0);
    api.heal();
    await expectContent(collection, { 'apps/a': 'info' });
    expect(collection.waitsFor()).toBeUndefined();
  });

  it('is repeated after 429 no sooner than Retry-After says', async () => {
    api.fail('/v1/alerts', 429, { headers: { 'retry-after': '1' } });
    await upToDate(start());
    const [refused, answered] = lists();
    expect((answered?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(990);
    expect(lists()).toHaveLength(2);
  });

  it('is repeated after a server error and a broken connection', async () => {
    api.put(anAlertObject('a'));
    api.fail('/v1/alerts', 500, { times: 2 });
    api.fail('/v1/alerts', 'disconnect');
    const collection = start();
    await upToDate(collection);
    expect(contentOf(collection)).toEqual({ 'apps/a': 'info' });
    expect(lists()).toHaveLength(4);
  });

  it('waits for the CustomResourceDefinition', async () => {
    api.unserve(NOTIFICATION_V1);
    const collection = start();
    await eventually(() =>
      expect(collection.waitsFor()).toBe('Alerts are not served by the API server: is alerts.example.com installed?'),
    );
    api.serve(NOTIFICATION_V1, NOTIFICATION_KINDS);
    await upToDate(collection);
    expect(collection.served?.apiVersion).toBe(NOTIFICATION_V1);
  });
});

describe('the watch', () => {
  it('brings what is created, changed and deleted', async () => {
    const collection = start();
    await upToDate(collection);
    api.put(anAlertObject('a'));
    await expectContent(collection, { 'apps/a': 'info' });
    api.put(anAlertObject('a', { eventSeverity: 'error' }));
    await expectContent(collection, { 'apps/a': 'error' });
    api.delete(anAlertObject('a'));
    await expectContent(collection, {});
    expect(lists()).toHaveLength(1);
  });

  it('begins where the list ended, so that a deletion between them is seen', async () => {
    api.put(anAlertObject('a'));
    const client = api.client();
    const collection = start({
      api: {
        request: (request) => client.request(request),
        watch(...args) {
          if (collection.items.has('apps/a')) api.delete(anAlertObject('a'));
          return client.watch(...args);
        },
      },
    });
    await eventually(() => expect(watches()).toHaveLength(1));
    await expectContent(collection, {});
    expect(lists()).toHaveLength(1);
  });

  it('resumes where a connection broke, without another list', async () => {
    const collection = start();
    await upToDate(collection);
    const version = api.put(anAlertObject('a'));
    await expectContent(collection, { 'apps/a': 'info' });
    api.breakWatches();
    api.put(anAlertObject('b'));
    await expectContent(collection, { 'apps/a': 'info', 'apps/b': 'info' });
    expect(watches()[1]?.query.get('resourceVersion')).toBe(version);
    expect(lists()).toHaveLength(1);
  });

  it('drops half a line of a broken stream and reads the object again', async () => {
    const collection = start();
    await upToDate(collection);
    api.sendRaw('{"type":"ADDED","object":{"metadata":{"name":"ha');
    api.breakWatches();
    api.put(anAlertObject('half'));
    await expectContent(collection, { 'apps/half': 'info' });
  });

  it('survives a line that is not JSON', async () => {
    const collection = start();
    await upToDate(collection);
    api.sendRaw('<html>\n');
    await eventually(() => expect(watches()).toHaveLength(2));
    api.put(anAlertObject('a'));
    await expectContent(collection, { 'apps/a': 'info' });
  });

  it('resumes from a bookmark', async () => {
    const collection = start();
    await upToDate(collection);
    api.put({ ...anAlertObject('x'), kind: 'Provider' });
    const version = api.bookmark();
    api.endWatches();
    await eventually(() => expect(watches()).toHaveLength(2));
    expect(watches()[1]?.query.get('resourceVersion')).toBe(version);
    expect(lists()).toHaveLength(1);
  });

  it.each(['status', 'event'] as const)('lists again after 410 as %s, and loses nothing', async (how) => {
    api.put(anAlertObject('gone'));
    api.put(anAlertObject('kept'));
    const collection = start();
    await upToDate(collection);
    const seen: string[][] = [];
    const observer = setInterval(() => seen.push([...collection.items.keys()]), 1);
    api.deleteUnseen(anAlertObject('gone'));
    api.expireHistory(how);
    api.breakWatches();
    await expectContent(collection, { 'apps/kept': 'info' });
    api.put(anAlertObject('new'));
    await expectContent(collection, { 'apps/kept': 'info', 'apps/new': 'info' });
    clearInterval(observer);
    expect(lists().length).toBeGreaterThan(1);
    expect(seen.every((names) => names.includes('apps/kept'))).toBe(true);
  });

  it.each([
    ['no JSON', undefined],
    ['an empty object', {}],
    ['another kind of list', { kind: 'PodList', metadata: { resourceVersion: '1' }, items: [] }],
  ])('that is followed by a list which is none keeps what was listed: %s', async (_, body) => {
    api.put(anAlertObject('a'));
    const client = api.client();
    let broken = false;
    const collection = start({
      api: {
        watch: (...args) => client.watch(...args),
        request: async (request) =>
          broken && request.path.includes('limit') ? { status: 200, body } : client.request(request),
      },
    });
    await upToDate(collection);
    broken = true;
    api.bookmark();
    api.expireHistory();
    api.breakWatches();
    await eventually(() =>
      expect(collection.stale()?.reason).toBe('Alerts cannot be listed: not a list of Alert objects'),
    );
    expect(contentOf(collection)).toEqual({ 'apps/a': 'info' });
    broken = false;
    await eventually(() => expect(collection.stale()).toBeUndefined());
  });

  it('that is forbidden keeps what was listed, and is a problem when it lasts', async () => {
    api.put(anAlertObject('a'));
    api.fail('/v1/alerts', 403, { times: 1_000, only: 'watch' });
    const collection = start();
    await eventually(() =>
      expect(collection.stale()?.reason).toBe('Alerts cannot be watched: 403 Forbidden: as the test asked for'),
    );
    expect(contentOf(collection)).toEqual({ 'apps/a': 'info' });
    const before = changes;
    api.heal();
    await eventually(() => expect(collection.stale()?.reason).toBeUndefined());
    expect(changes).toBe(before + 1);
  });
});

describe('an object', () => {
  it('is parsed once for each version', async () => {
    api.put(anAlertObject('a'));
    const collection = start();
    await upToDate(collection);
    api.expireHistory();
    api.breakWatches();
    await eventually(() => expect(lists()).toHaveLength(2));
    await eventually(() => expect(api.watches).toBe(1));
    expect(parsed).toHaveLength(1);
  });

  it('is parsed from the fields that count', async () => {
    const ours = { 'cdevents.toolkit.fluxcd.io/preset': 'rfc' };
    const { apiVersion, kind, metadata, spec } = anAlertObject('a');
    const annotations = { ...ours, 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
    api.put({ apiVersion, kind, spec, metadata: { ...metadata, annotations, labels: { a: 'b' } } });
    await upToDate(start());
    expect(parsed).toEqual([{ apiVersion, kind, metadata: { ...metadata, annotations: ours }, spec }]);
  });

  it('that repeats the same is not a change', async () => {
    api.put(anAlertObject('a'));
    const collection = start();
    await upToDate(collection);
    api.put({ ...anAlertObject('a'), status: { ready: true } });
    api.put(anAlertObject('b'));
    await eventually(() => expect(collection.items.size).toBe(2));
    expect(changes).toBe(2);
    expect(collection.items.get('apps/a')?.identity.resourceVersion).toBe(
      api.stored('Alert')[0]?.metadata.resourceVersion,
    );
  });

  it('that is deleted and created again is another', async () => {
    api.put(anAlertObject('a'));
    const collection = start();
    await upToDate(collection);
    const { uid } = collection.items.get('apps/a')?.identity ?? {};
    api.delete(anAlertObject('a'));
    api.put(anAlertObject('a'));
    await eventually(() => expect(changes).toBe(3));
    expect(collection.items.get('apps/a')?.identity.uid).not.toBe(uid);
  });
});

describe('a definition that moves to another version', () => {
  it('is followed while the watch goes on', async () => {
    api.unserve(NOTIFICATION_V1);
    api.serve(V1BETA3, NOTIFICATION_KINDS);
    api.put(anAlertObject('a'));
    const collection = start({ relocateMs: 20 });
    await upToDate(collection);
    expect(collection.served?.apiVersion).toBe(V1BETA3);
    api.serve(NOTIFICATION_V1, NOTIFICATION_KINDS);
    await eventually(() => expect(collection.served?.apiVersion).toBe(NOTIFICATION_V1));
    expect(collection.items.get('apps/a')?.apiVersion).toBe(NOTIFICATION_V1);
    expect(api.to(ALERTS).length).toBeGreaterThan(0);
  });

  it('is followed when the API server ends the watch of a version that is gone', async () => {
    api.serve(V1BETA3, NOTIFICATION_KINDS);
    api.put(anAlertObject('a'));
    const collection = start();
    await upToDate(collection);
    api.unserve(NOTIFICATION_V1);
    api.endWatches();
    await eventually(() => expect(collection.served?.apiVersion).toBe(V1BETA3));
    expect(contentOf(collection)).toEqual({ 'apps/a': 'info' });
  });
});

it('ends when its signal aborts', async () => {
  const collection = start();
  await upToDate(collection);
  running.abort();
  await Promise.all(runs);
  await eventually(() => expect(api.watches).toBe(0));
});
