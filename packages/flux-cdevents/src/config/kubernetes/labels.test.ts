import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../../test/helpers/eventually.ts';
import {
  type Failure,
  type FakeApiServer,
  startFakeApiServer,
  type TestObject,
} from '../../../test/helpers/fake-api-server.ts';
import type { InvolvedObject } from '../../flux/object-ref.ts';
import { createDiscovery } from '../../kube-api/discovery.ts';
import type { KubeClient } from '../../kube-api/kube-client.ts';
import { createLabelReader, type LabelReader, type LabelReaderOptions, type LabelsChange } from './labels.ts';

const V2 = 'helm.toolkit.fluxcd.io/v2';
const shop: InvolvedObject = { apiVersion: V2, kind: 'HelmRelease', namespace: 'apps', name: 'shop' };
const aRelease = (labels?: Readonly<Record<string, string>>): TestObject => ({
  apiVersion: V2,
  kind: 'HelmRelease',
  metadata: { namespace: 'apps', name: 'shop', ...(labels && { labels }) },
  spec: { values: 'large' },
});

let api: FakeApiServer;
let time: number;
let changes: LabelsChange[];
let read: LabelReader;

beforeEach(async () => {
  api = await startFakeApiServer();
  api.serve(V2, { HelmRelease: 'helmreleases' });
  time = 0;
  changes = [];
  read = start();
});
afterEach(() => api.close());

function start(options: Partial<LabelReaderOptions> = {}): LabelReader {
  const client = api.client();
  return createLabelReader({
    api: client,
    discovery: createDiscovery(client),
    onChange: (change) => changes.push(change),
    maxAgeMs: 1_000,
    now: () => time,
    ...options,
  });
}

const reads = () => api.to('/helmreleases/');
const errors = () => changes.map((change) => ('error' in change ? change.error : change.state));

it('reads the metadata only', async () => {
  api.put(aRelease({ team: 'web' }));
  expect(await read(shop)).toEqual({ team: 'web' });
  expect(reads()[0]).toMatchObject({
    path: '/apis/helm.toolkit.fluxcd.io/v2/namespaces/apps/helmreleases/shop',
    headers: { accept: expect.stringMatching(/^application\/json;as=PartialObjectMetadata;/) },
  });
});

it('answers with no labels for an object that has none', async () => {
  api.put(aRelease());
  expect(await read(shop)).toEqual({});
});

describe('the cache', () => {
  it('answers until it is too old', async () => {
    api.put(aRelease({ team: 'web' }));
    await read(shop);
    api.put(aRelease({ team: 'shop' }));
    time = 999;
    expect(await read(shop)).toEqual({ team: 'web' });
    time = 1_000;
    expect(await read(shop)).toEqual({ team: 'shop' });
    expect(reads()).toHaveLength(2);
  });

  it('shares a request that is in flight', async () => {
    api.put(aRelease({ team: 'web' }));
    const answers = await Promise.all([read(shop), read(shop), read(shop)]);
    expect(answers).toEqual([{ team: 'web' }, { team: 'web' }, { team: 'web' }]);
    expect(reads()).toHaveLength(1);
  });

  it('keeps the objects that were read last', async () => {
    read = start({ maxEntries: 2 });
    const named = (name: string) => ({ ...shop, name });
    for (const name of ['a', 'b', 'c', 'c', 'b', 'a']) await read(named(name));
    expect(reads().map(({ path }) => path.at(-1))).toEqual(['a', 'b', 'c', 'a']);
  });

  it('remembers what the API server serves', async () => {
    api.put(aRelease());
    await read(shop);
    time = 5_000;
    await read(shop);
    expect(api.requests.filter(({ path }) => path === `/apis/${V2}`)).toHaveLength(1);
    time = 600_000;
    await read(shop);
    expect(api.requests.filter(({ path }) => path === `/apis/${V2}`)).toHaveLength(2);
  });
});

describe('without an answer', () => {
  /** The event is answered 503, and sent again: without its labels nobody knows which Alerts select it. */
  const notKnown = { code: 'FCE_CONFIG_NOT_LOADED', message: expect.stringContaining('HelmRelease apps/shop') };

  it.each([401, 429, 500, 503, 'disconnect', 'hang', 'an empty page', 'the 404 of a proxy'] as const)(
    'the last labels stay, and an object that was never read is unknown (%s)',
    async (failure) => {
      const client = api.client();
      let broken = false;
      const elsewhere = { 'an empty page': { status: 200, body: {} }, 'the 404 of a proxy': { status: 404, body: {} } };
      const request: KubeClient['request'] = async (wanted) =>
        broken && failure in elsewhere ? elsewhere[failure as keyof typeof elsewhere] : client.request(wanted);
      const isSlow = failure === 'hang' || failure === 429;
      read = start({ api: { request }, ...(isSlow && { answerWithinMs: 500 }) });
      api.put(aRelease({ team: 'web' }));
      await read(shop);
      broken = true;
      if (!(failure in elsewhere)) api.fail('/helmreleases/', failure as Failure, { times: 100 });
      time = 5_000;
      expect(await read(shop)).toEqual({ team: 'web' });
      expect(changes).toEqual([]);
      await expect(read({ ...shop, name: 'other' })).rejects.toMatchObject({ code: 'FCE_CONFIG_NOT_LOADED' });
      api.delete(aRelease());
      api.heal();
      broken = false;
      await eventually(async () => expect(await read(shop)).toBeUndefined()); // now the API server says so
    },
  );

  it.each([500, 'disconnect'] as const)('labels that were read before are used (%s)', async (failure) => {
    api.put(aRelease({ team: 'web' }));
    await read(shop);
    api.fail('/helmreleases/', failure, { times: 100 });
    time = 59 * 60_000;
    expect(await read(shop)).toEqual({ team: 'web' });
    expect(changes).toEqual([]);
    time = 61 * 60_000;
    expect(await read(shop)).toEqual({ team: 'web' });
    expect(changes).toEqual([{ object: shop, state: 'unreadable', error: expect.any(String), lastKnown: true }]);
  });

  it('of the object, the caller waits no longer than it should', async () => {
    read = start({ answerWithinMs: 30 });
    api.fail('/helmreleases/', 'hang');
    await expect(read(shop)).rejects.toMatchObject(notKnown);
    expect(errors()).toEqual([expect.stringMatching(/timeout/)]);
  });

  it('of discovery, the caller waits no longer than it should', async () => {
    read = start({ answerWithinMs: 30 });
    api.fail(`/apis/${V2}`, 'hang');
    await expect(read(shop)).rejects.toMatchObject(notKnown);
    expect(errors()).toEqual([expect.stringMatching(/timeout/)]);
  });

  it('of discovery, the next event asks again', async () => {
    api.put(aRelease({ team: 'web' }));
    api.fail(`/apis/${V2}`, 500);
    await expect(read(shop)).rejects.toMatchObject(notKnown);
    expect(await read(shop)).toEqual({ team: 'web' });
    expect(errors()).toEqual([expect.stringContaining('500 InternalError'), 'readable']);
  });
});

describe('an object that cannot be read', () => {
  it('is reported once, and once more when it can be read', async () => {
    for (time = 0; time < 5_000; time += 1_000) expect(await read(shop)).toBeUndefined();
    expect(changes).toEqual([
      {
        object: shop,
        state: 'unreadable',
        error: '404 NotFound: HelmRelease "shop" not found',
        lastKnown: false,
      },
    ]);
    api.put(aRelease({ team: 'web' }));
    expect(await read(shop)).toEqual({ team: 'web' });
    expect(changes[1]).toEqual({ object: shop, state: 'readable' });
  });

  it.each([
    ['is forbidden now', () => api.fail('/helmreleases/', 403, { times: 100 }), /403 Forbidden/],
    ['is of a kind that is not listed for the moment', () => api.unserve(V2), /is not served/],
  ])('that %s keeps the labels that were read before, which is reported', async (_, fail, error) => {
    api.put(aRelease({ team: 'web' }));
    await read(shop);
    fail();
    time = 601_000;
    expect(await read(shop)).toEqual({ team: 'web' });
    expect(changes).toEqual([
      { object: shop, state: 'unreadable', error: expect.stringMatching(error), lastKnown: true },
    ]);
  });

  it('may be forbidden, and is not read again for every event', async () => {
    api.fail('/helmreleases/', 403, { times: 100 });
    await read(shop);
    await read(shop);
    expect(reads()).toHaveLength(1);
    expect(errors()).toEqual(['403 Forbidden: as the test asked for']);
  });

  it.each([
    [{ apiVersion: '../v1' }, 'apiVersion is missing or malformed'],
    [{ apiVersion: '' }, 'apiVersion is missing or malformed'],
    [{ name: '../../secrets/hub' }, 'name or namespace is malformed'],
    [{ namespace: '..' }, 'name or namespace is malformed'],
  ])('may have a name that leads elsewhere: %o', async (more, error) => {
    expect(await read({ ...shop, ...more })).toBeUndefined();
    expect(errors()).toEqual([error]);
    expect(api.requests).toEqual([]);
  });
});

describe('a kind', () => {
  it('is read in a version that is served when that of the event is not', async () => {
    api.put(aRelease({ team: 'web' }));
    expect(await read({ ...shop, apiVersion: 'helm.toolkit.fluxcd.io/v2beta1' })).toEqual({ team: 'web' });
  });

  it('that is not served is looked for again after half a minute', async () => {
    const unknown = { ...shop, apiVersion: 'example.com/v1' };
    const lookups = () => api.requests.filter(({ path }) => path === '/apis/example.com/v1').length;
    expect(await read(unknown)).toBeUndefined();
    expect(errors()).toEqual(['kind HelmRelease of example.com/v1 is not served by the API server']);
    time = 29_000;
    await read(unknown);
    expect(lookups()).toBe(1);
    api.serve('example.com/v1', { HelmRelease: 'helmreleases' });
    api.put({ ...aRelease({ team: 'web' }), apiVersion: 'example.com/v1' });
    time = 30_000;
    await vi.waitFor(async () => expect(await read(unknown)).toEqual({ team: 'web' }));
    expect(lookups()).toBe(2);
  });
});
