import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../../test/helpers/eventually.ts';
import { type Failure, type FakeApiServer, startFakeApiServer } from '../../../test/helpers/fake-api-server.ts';
import { aSecretObject, NAMESPACE } from '../../../test/helpers/notification-objects.ts';
import { formatIssue } from '../../diagnostics/format.ts';
import { parseSecret, type Secret } from '../../flux/secret.ts';
import type { KubeClient } from '../../kube-api/kube-client.ts';
import { createNamedObjects, type NamedObjects, type NamedObjectsOptions } from './named-objects.ts';

const NEVER_MS = 3_600_000;
const named = (name: string) => ({ namespace: NAMESPACE, name });

let api: FakeApiServer;
let secrets: NamedObjects<Secret> | undefined;
let changes: number;

beforeEach(async () => {
  api = await startFakeApiServer();
  api.serve('v1', { Secret: 'secrets' });
  changes = 0;
});
afterEach(async () => {
  secrets?.close();
  await api.close();
});

/** Reads each object once, unless the options say otherwise. */
function follow(names: readonly string[], options: Partial<NamedObjectsOptions<Secret>> = {}): NamedObjects<Secret> {
  const created = createNamedObjects({
    kind: 'Secret',
    parse: parseSecret,
    api: api.client(),
    onChange: () => changes++,
    refreshMs: NEVER_MS,
    retryMs: NEVER_MS,
    noAnswerRetryMs: 1,
    qps: 100_000,
    ...options,
  });
  created.follow(names.map(named));
  secrets = created;
  return created;
}

const textOf = (objects: NamedObjects<Secret>, name: string) => {
  const token = objects.get(named(name))?.data.token;
  return token && Buffer.from(token).toString();
};
const problemsOf = (objects: NamedObjects<Secret>) => objects.problems().map(formatIssue);
const answered = (objects: NamedObjects<Secret>) => eventually(() => expect(objects.pending).toBe(0));

it('reads the objects that are named, and no others', async () => {
  for (const name of ['a', 'b', 'c']) api.put(aSecretObject(name, { token: name }));
  const objects = follow(['a', 'b']);
  expect(objects.pending).toBe(2);
  await answered(objects);
  expect([textOf(objects, 'a'), textOf(objects, 'b'), textOf(objects, 'c')]).toEqual(['a', 'b', undefined]);
  expect(api.requests.map(({ path }) => path)).toEqual([
    '/api/v1/namespaces/apps/secrets/a',
    '/api/v1/namespaces/apps/secrets/b',
  ]);
});

it('forgets what is not named any more, and reads a new name at once', async () => {
  for (const name of ['a', 'b']) api.put(aSecretObject(name, { token: name }));
  const objects = follow(['a']);
  await answered(objects);
  objects.follow([named('b')]);
  await answered(objects);
  expect([textOf(objects, 'a'), textOf(objects, 'b')]).toEqual([undefined, 'b']);
  expect(api.requests).toHaveLength(2);
});

it('reads many objects a few at a time', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `s-${index}`);
  for (const name of names) api.put(aSecretObject(name, { token: name }));
  let inFlight = 0;
  let most = 0;
  const client = api.client();
  const objects = follow(names, {
    api: {
      async request(request) {
        most = Math.max(most, ++inFlight);
        return client.request(request).finally(() => inFlight--);
      },
    },
  });
  await answered(objects);
  expect(names.every((name) => textOf(objects, name) === name)).toBe(true);
  expect(most).toBe(32);
});

it('never asks for a name that is not one', async () => {
  const objects = follow(['../configmaps/x']);
  await answered(objects);
  expect(objects.get(named('../configmaps/x'))).toBeUndefined();
  expect(api.requests).toEqual([]);
});

describe('a rotated Secret', () => {
  it('is seen at the next refresh', async () => {
    api.put(aSecretObject('a', { token: 'old' }));
    const objects = follow(['a'], { refreshMs: 10 });
    await answered(objects);
    api.put(aSecretObject('a', { token: 'new' }));
    await eventually(() => expect(textOf(objects, 'a')).toBe('new'));
    expect(changes).toBe(2);
  });

  it('is read at once on request', async () => {
    api.put(aSecretObject('a', { token: 'old' }));
    const objects = follow(['a']);
    await answered(objects);
    api.put(aSecretObject('a', { token: 'new' }));
    objects.refresh([named('a'), named('unknown')]);
    await eventually(() => expect(textOf(objects, 'a')).toBe('new'));
  });

  it('is read again when a read is requested during another', async () => {
    api.put(aSecretObject('a', { token: 'old' }));
    const client = api.client();
    const firstAnswer = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const objects = follow(['a'], {
      api: {
        async request(request) {
          const answer = await client.request(request);
          firstAnswer.resolve();
          await release.promise;
          return answer;
        },
      },
    });
    await firstAnswer.promise;
    api.put(aSecretObject('a', { token: 'new' }));
    objects.refresh([named('a')]);
    release.resolve();
    await eventually(() => expect(textOf(objects, 'a')).toBe('new'));
    expect(api.requests).toHaveLength(2);
  });

  it('that stays the same is not a change', async () => {
    api.put(aSecretObject('a', { token: 'x' }));
    const objects = follow(['a'], { refreshMs: 1 });
    await answered(objects);
    const before = objects.get(named('a'));
    await eventually(() => expect(api.requests.length).toBeGreaterThan(5));
    expect(changes).toBe(1);
    expect(objects.get(named('a'))).toBe(before);
  });
});

describe('an object that cannot be read', () => {
  it('is read again while it is missing', async () => {
    const objects = follow(['a'], { retryMs: 10 });
    await answered(objects);
    expect(objects.get(named('a'))).toBeUndefined();
    expect(problemsOf(objects)).toEqual([]); // the Provider that names it has the problem
    api.put(aSecretObject('a', { token: 'x' }));
    await eventually(() => expect(textOf(objects, 'a')).toBe('x'));
  });

  it('is gone when it is deleted', async () => {
    api.put(aSecretObject('a', { token: 'x' }));
    const objects = follow(['a'], { refreshMs: 10 });
    await answered(objects);
    api.delete(aSecretObject('a', {}));
    await eventually(() => expect(objects.get(named('a'))).toBeUndefined());
    expect(changes).toBe(2);
  });

  it('is a problem while it is forbidden', async () => {
    api.put(aSecretObject('a', { token: 'x' }));
    api.fail('/secrets/a', 403);
    const objects = follow(['a'], { retryMs: 10 });
    await answered(objects);
    expect(problemsOf(objects)).toEqual([
      'Secret apps/a: expected permission to get it, found none: the API server forbids it',
    ]);
    await eventually(() => expect(textOf(objects, 'a')).toBe('x'));
    expect(problemsOf(objects)).toEqual([]);
  });

  it.each([401, 403, 429, 503, 'disconnect', 'an empty page', 'the 404 of a proxy'] as const)(
    'keeps the version that was read before, and is a problem when that lasts (%s)',
    async (failure) => {
      const client = api.client();
      let broken = false;
      const elsewhere = { 'an empty page': { status: 200, body: {} }, 'the 404 of a proxy': { status: 404, body: {} } };
      const request: KubeClient['request'] = async (wanted) =>
        broken && failure in elsewhere ? elsewhere[failure as keyof typeof elsewhere] : client.request(wanted);
      api.put(aSecretObject('a', { token: 'x' }));
      const objects = follow(['a'], { api: { request }, refreshMs: 10, retryMs: 10, staleAfterMs: 50 });
      await answered(objects);
      broken = true;
      const headers = { 'retry-after': '0' };
      if (!(failure in elsewhere))
        api.fail('/secrets/a', failure as Failure, { times: Number.POSITIVE_INFINITY, headers });
      await eventually(() =>
        expect(problemsOf(objects)).toEqual([
          expect.stringMatching(/^Secret apps\/a: expected (an answer|permission)/),
        ]),
      );
      expect(textOf(objects, 'a')).toBe('x');
      // what the API server forbids concerns one Provider, and anyone who creates one can bring it about
      expect(objects.unread()).toHaveLength(failure === 403 ? 0 : 1);
      api.put(aSecretObject('a', { token: 'y' }));
      api.heal();
      broken = false;
      await eventually(() => expect(textOf(objects, 'a')).toBe('y'));
      expect([problemsOf(objects), objects.unread()]).toEqual([[], []]);
    },
  );

  it('is a problem when it is not valid, and shows no value of it', async () => {
    api.put({ ...aSecretObject('a', {}), data: { token: '%s3cr3t%' } });
    const objects = follow(['a']);
    await answered(objects);
    expect(problemsOf(objects)).toEqual(['Secret apps/a: data.token: expected base64, found 8 bytes that are not']);
  });

  it('does not change while there is no answer', async () => {
    api.put(aSecretObject('a', { token: 'x' }));
    const objects = follow(['a'], { refreshMs: 10 });
    await answered(objects);
    api.fail('/secrets/a', 500, { times: 3 });
    api.fail('/secrets/a', 'disconnect', { times: 3 });
    await eventually(() => expect(api.requests.length).toBeGreaterThan(8));
    expect(textOf(objects, 'a')).toBe('x');
    expect(changes).toBe(1);
    expect(problemsOf(objects)).toEqual([]);
  });

  it('is a problem after three attempts without an answer, when it was never read', async () => {
    api.put(aSecretObject('a', { token: 'x' }));
    api.fail('/secrets/a', 500, { times: 3 });
    const objects = follow(['a'], { noAnswerRetryMs: 20 });
    await answered(objects);
    expect(api.requests).toHaveLength(3);
    expect(problemsOf(objects)).toEqual([
      'Secret apps/a: expected an answer of the API server, found 500 InternalError: as the test asked for',
    ]);
    await eventually(() => expect(textOf(objects, 'a')).toBe('x'));
    expect(problemsOf(objects)).toEqual([]);
  });
});

it('refreshes with a quarter of the rate limit at most', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `s-${index}`);
  for (const name of names) api.put(aSecretObject(name, { token: name }));
  const objects = follow(names, { refreshMs: 1, qps: 400, random: () => 0.5 });
  await answered(objects);
  await eventually(() => expect(api.requests.length).toBeGreaterThan(60));
  const begun = api.requests[20]?.at ?? 0;
  const seconds = ((api.requests[60]?.at ?? 0) - begun) / 1000;
  expect(40 / seconds).toBeLessThan(400 / 4 + 100); // 20 at once, and 100 a second
});

it('asks no more after it is closed', async () => {
  api.put(aSecretObject('a', { token: 'x' }));
  api.fail('/secrets/a', 'hang');
  const request = vi.fn(api.client().request);
  const objects = follow(['a'], { refreshMs: 1, api: { request } });
  await eventually(() => expect(api.requests).toHaveLength(1));
  objects.close();
  objects.refresh([named('a')]);
  objects.follow([named('b')]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(request).toHaveBeenCalledTimes(1);
  expect(changes).toBe(0);
});
