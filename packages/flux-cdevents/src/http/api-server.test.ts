import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { snapshotOf, startTestApi, type TestApi } from '../../test/helpers/api.ts';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { anInvalidProvider, aProvider } from '../../test/helpers/providers.ts';
import { createWarning } from '../diagnostics/issue.ts';
import { aCommit, anEntry } from '../outbox/contract/fixtures.ts';
import type { NewEntry } from '../outbox/entry.ts';
import type { Delivery } from './api-types.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.close());

const headers = { host: 'localhost:9393' };
const get = async (url: string) => {
  const response = await api.server.inject({ url: `/api/v1${url}`, headers });
  return { status: response.statusCode, body: response.json() };
};
const post = async (url: string, payload: unknown) => {
  const response = await api.server.inject({
    method: 'POST',
    url: `/api/v1${url}`,
    headers,
    payload: payload as object,
  });
  return { status: response.statusCode, body: response.json() };
};

/** Sends an event about an object through the Provider. @returns the id of its entry */
const sent = async (name: string, reason = 'UpgradeSucceeded'): Promise<string> => {
  const event = aFluxEvent({
    involvedObject: { name },
    reason,
    severity: reason.endsWith('Failed') ? 'error' : 'info',
  });
  const { status, body } = await post('/providers/flux-system/hub/send', { event });
  expect(status).toBe(202);
  return body.entries[0].id;
};
const settle = async (outcome: 'delivered' | 'dead-letter') => {
  const settlements = (await api.claim()).map(({ id, leaseId }) => ({
    id,
    leaseId,
    outcome,
    error: '404',
  }));
  await api.outbox.settle(settlements);
};
const idsIn = (body: { entries: { id: string }[] }) => body.entries.map(({ id }) => id);

describe('GET /deliveries', () => {
  it('lists the newest first, in pages', async () => {
    const ids = [await sent('a'), await sent('b'), await sent('c')].reverse();
    const first = await get('/deliveries?limit=2');
    expect(idsIn(first.body)).toEqual(ids.slice(0, 2));
    const second = await get(`/deliveries?limit=2&after=${encodeURIComponent(first.body.next)}`);
    expect(idsIn(second.body)).toEqual(ids.slice(2));
    expect(second.body.next).toBeUndefined();
  });

  it('shows the fields of a table row, and no content', async () => {
    const id = await sent('podinfo');
    const { body } = await get('/deliveries');
    expect(body.entries).toEqual([
      {
        id,
        state: 'pending',
        provider: 'flux-system/hub',
        alert: 'flux-system/hub',
        kind: 'cdevent',
        type: 'dev.cdevents.taskrun.finished.0.2.0',
        object: 'HelmRelease/apps/podinfo',
        reason: 'UpgradeSucceeded',
        attempts: 0,
        acceptedAt: '2026-11-24T12:00:00.000Z',
        expiresAt: '2026-11-25T12:00:00.000Z',
        dueAt: '2026-11-24T12:00:00.000Z',
      },
    ]);
  });

  it('filters by state, Provider, type, time and id', async () => {
    const dead = await sent('a', 'InstallFailed');
    await settle('dead-letter');
    const waiting = await sent('b');
    const listed = async (query: string) => idsIn((await get(`/deliveries?${query}`)).body);
    expect(await listed('state=dead-letter')).toEqual([dead]);
    expect(await listed('state=pending&state=dead-letter')).toEqual([waiting, dead]);
    expect(await listed('type=incident.detected')).toEqual([dead]);
    expect(await listed('type=dev.cdevents.taskrun')).toEqual([waiting]);
    expect(await listed('provider=flux-system/hub')).toEqual([waiting, dead]);
    expect(await listed('provider=flux-system/other')).toEqual([]);
    expect(await listed('since=2h')).toEqual([waiting, dead]);
    expect(await listed('since=2026-11-24T12:00:01Z')).toEqual([]);
    expect(await listed(`id=${dead.slice(0, 13)}`)).toEqual([dead]);
  });

  it('selects entries without an event type by the type that it shows for them', async () => {
    const provider = { namespace: 'flux-system', name: 'hub' };
    const { type, message, ...unmapped } = anEntry('unmapped.1', { provider });
    const entries: readonly NewEntry[] = [
      anEntry('cdevent.1', { provider }),
      unmapped,
      { ...unmapped, id: 'flux.1', kind: 'flux', message: '{}' },
      { ...unmapped, id: 'forward.1', kind: 'forward', message: '{}' },
    ];
    await api.outbox.commit(aCommit(entries));
    const { body } = await get('/deliveries');
    expect(body.entries.map((one: Delivery) => [one.id, one.kind, one.type, one.state])).toEqual([
      ['forward.1', 'forward', 'forward', 'pending'],
      ['flux.1', 'flux', 'flux', 'pending'],
      ['unmapped.1', 'cdevent', 'unmapped', 'waiting'],
      ['cdevent.1', 'cdevent', type, 'pending'],
    ]);
    for (const [query, expected] of [
      ['type=forward', ['forward.1']],
      ['type=flux', ['flux.1']],
      ['type=unmapped', ['unmapped.1']],
      ['state=waiting', ['unmapped.1']],
      ['type=service.upgraded', ['cdevent.1']],
      ['type=dev', ['cdevent.1']],
      ['type=service', ['cdevent.1']],
      ['type=service.deployed', []],
    ] as const) {
      expect([query, idsIn((await get(`/deliveries?${query}`)).body)]).toEqual([query, expected]);
    }
  });

  it.each(['limit=0', 'limit=many', 'state=lost', 'provider=hub', 'since=yesterday', 'colour=red'])(
    '400 for %s',
    async (query) => {
      const { status, body } = await get(`/deliveries?${query}`);
      expect(status).toBe(400);
      expect(body).toEqual({ code: 'FCE_OPTION_INVALID', message: expect.any(String) });
    },
  );
});

describe('GET /deliveries/{id}', () => {
  it('shows the CDEvent and the Flux event without its token', async () => {
    const id = await sent('podinfo');
    const [contextId = ''] = id.split('.');
    const { status, body } = await get(`/deliveries/${contextId}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      cdevent: { context: { id: contextId, type: 'dev.cdevents.taskrun.finished.0.2.0' } },
      fluxEvent: { reason: 'UpgradeSucceeded', involvedObject: { name: 'podinfo' } },
      metadata: { revision: '6.5.1' },
      partitionKey: 'ef3b02e5-399b-4838-a900-41087c4441bb',
      explanation: {
        mapping: 'preset rfc',
        rule: 'upgrade-succeeded',
        tried: ['install-succeeded', 'install-failed', 'upgrade-succeeded'],
        triedCount: 3,
        fields: [
          { path: 'subject.id', expression: 'taskRun.id', value: 'apps/podinfo/helm-upgrade/v2' },
          { path: 'content.taskName', expression: 'taskRun.name', value: 'helm-upgrade' },
          { path: 'content.outcome', expression: 'outcome', value: 'success' },
          { path: 'content.errors', expression: "event.severity == 'error' ? event.message : null" },
          { path: 'content.url', expression: 'event.metadata.?url' },
        ],
      },
    });
    expect(JSON.stringify(body)).not.toContain('sha256:e3b0c442');
  });

  it('shows the body of a forwarded entry as the Flux event', async () => {
    const { source: _, type: __, ...entry } = anEntry('forward.1', { kind: 'forward' });
    await api.outbox.commit(aCommit([{ ...entry, message: '{"reason":"R","metadata":{"a/token":"t0k","b":"c"}}' }]));
    const { status, body } = await get('/deliveries/forward.1');
    expect(status).toBe(200);
    expect(body).toMatchObject({ kind: 'forward', fluxEvent: { reason: 'R', metadata: { b: 'c' } }, metadata: {} });
    expect(body).not.toHaveProperty('cdevent');
    expect(JSON.stringify(body)).not.toContain('t0k');
  });

  it('404 when there is none, 409 with the ids when there are several', async () => {
    expect(await get('/deliveries/0badcafe')).toMatchObject({ status: 404, body: { code: 'FCE_NOT_FOUND' } });
    const ids: string[] = [];
    // Ids are derived from the events. Of 17 ids, at least two start with the same digit.
    for (let index = 0; index < 17; index += 1) ids.push(await sent(`app-${index}`));
    const digit = [...'0123456789abcdef'].find((one) => ids.filter((id) => id.startsWith(one)).length > 1);
    const { status, body } = await get(`/deliveries/${digit}`);
    expect(status).toBe(409);
    expect([...body.ids].sort()).toEqual(ids.filter((id) => id.startsWith(digit ?? '')).sort());
  });
});

describe('POST /deliveries/replay and /discard', () => {
  it('replays dead letters, and delivered entries on request', async () => {
    const dead = await sent('a');
    await settle('dead-letter');
    const done = await sent('b');
    await settle('delivered');
    expect((await post('/deliveries/replay', { all: true })).body).toEqual({ count: 1 });
    expect((await get(`/deliveries/${dead}`)).body).toMatchObject({ state: 'pending' });
    expect((await post('/deliveries/replay', { ids: [done], states: ['delivered'] })).body).toEqual({ count: 1 });
  });

  it('gives a replayed entry the max-age of its Provider, and maps it again on request', async () => {
    const id = await sent('a');
    await settle('dead-letter');
    await post('/deliveries/replay', { ids: [id], remap: true });
    const { body } = await get('/deliveries');
    expect(body.entries).toMatchObject([{ state: 'waiting', type: 'unmapped', expiresAt: '2026-11-25T12:00:00.000Z' }]);
    const [claimed] = await api.claim();
    expect(claimed?.message).toBeUndefined();
  });

  it('discards dead letters only', async () => {
    await sent('a');
    await settle('dead-letter');
    await sent('b');
    expect((await post('/deliveries/discard', { provider: 'flux-system/hub' })).body).toEqual({ count: 1 });
    expect((await get('/deliveries')).body.entries).toHaveLength(1);
  });

  it.each(['replay', 'discard'])('%s requires a filter, or all: true', async (what) => {
    for (const body of [
      {},
      { all: false },
      { ids: [] },
      { all: 'true' },
      { provider: 'hub' },
      { stat: 'x', all: true },
    ]) {
      expect(await post(`/deliveries/${what}`, body)).toMatchObject({
        status: 400,
        body: { code: 'FCE_OPTION_INVALID' },
      });
    }
    expect((await post(`/deliveries/${what}`, { all: true })).status).toBe(200);
  });
});

describe('GET /providers, /alerts, /problems', () => {
  it('shows Providers with their queues, and no secrets', async () => {
    await api.close();
    const hidden = {
      address: 'http://hidden.example/x',
      addressIsSecret: true,
      authorization: 'Bearer t0ken',
      headers: { 'X-Key': 'k3y' },
      secrets: ['t0ken', 'k3y', 'http://hidden.example/x'],
    };
    const snapshot = snapshotOf([
      aProvider({ endpoint: { address: 'http://user:pw@hub.example:5000/events?key=q' } }),
      aProvider({ ref: { namespace: 'apps', name: 'secret' }, endpoint: hidden }),
      anInvalidProvider(),
      aProvider({
        ref: { namespace: 'apps', name: 'mapped' },
        options: { preset: 'service', mapping: { name: 'rules', text: 'enable: [drift]' } },
      }),
      { status: 'foreign', ref: { namespace: 'apps', name: 'chat' }, type: 'slack' },
    ]);
    api = await startTestApi({ snapshot });
    await sent('a');
    const ref = { namespace: 'flux-system', name: 'hub' };
    await api.outbox.stop({ provider: ref, fingerprint: 'f1', reason: 'answered 410' });
    const { body } = await get('/providers');
    expect(body.providers).toMatchObject([
      { namespace: 'apps', name: 'chat', status: 'foreign', type: 'slack' },
      { namespace: 'apps', name: 'mapped', status: 'ready', options: { preset: 'service', mapping: 'rules' } },
      { namespace: 'apps', name: 'secret', status: 'ready' },
      {
        name: 'hub',
        status: 'ready',
        address: 'http://hub.example:5000/events',
        counts: { waiting: 0, pending: 1, delivering: 0, delivered: 0, 'dead-letter': 0 },
        oldestPendingAt: '2026-11-24T12:00:00.000Z',
        stopped: { reason: 'answered 410', at: '2026-11-24T12:00:00.000Z' },
        options: { preset: 'rfc', specVersion: '0.4' },
      },
      { name: 'wrong', status: 'invalid', issues: [{ path: 'spec.address', expected: 'an http or https URL' }] },
    ]);
    expect(JSON.stringify(body)).not.toMatch(/t0ken|k3y|hidden|pw@|key=q|drift/);
  });

  it('shows a deleted Provider while it has entries', async () => {
    await sent('a');
    const snapshot = snapshotOf([]);
    const { createApiServer } = await import('./api-server.ts');
    const send = async () => ({ entries: [] });
    const server = createApiServer({ outbox: api.outbox, snapshot: () => snapshot, send, now: () => api.now });
    const response = await server.inject({ url: '/api/v1/providers', headers });
    expect(response.json().providers).toMatchObject([{ name: 'hub', status: 'missing', counts: { pending: 1 } }]);
  });

  it('shows the Alerts and problems in force', async () => {
    await api.close();
    api = await startTestApi({
      snapshot: snapshotOf([], {
        alerts: [
          {
            metadata: { namespace: 'apps', name: 'all' },
            spec: { providerRef: { name: 'hub' }, eventSources: [{ kind: 'HelmRelease', name: '*' }], summary: 'prod' },
          },
        ],
        problems: [
          {
            ...createWarning('no-effect', ['spec', 'summary'], 'no summary', 'one'),
            object: { kind: 'Alert', namespace: 'apps', name: 'old' },
            place: { file: 'alerts.yaml', line: 12 },
          },
        ],
      }),
    });
    expect((await get('/alerts')).body.alerts).toEqual([
      {
        namespace: 'apps',
        name: 'all',
        provider: 'apps/hub',
        suspend: false,
        eventSeverity: 'info',
        eventSources: [{ kind: 'HelmRelease', name: '*' }],
        inclusionList: [],
        exclusionList: [],
        eventMetadata: { summary: 'prod' },
      },
    ]);
    expect((await get('/problems')).body.problems).toEqual([
      {
        object: 'Alert apps/old',
        where: 'alerts.yaml:12',
        severity: 'warning',
        code: 'no-effect',
        path: 'spec.summary',
        expected: 'no summary',
        found: 'one',
      },
    ]);
  });

  it('503 until the configuration is loaded', async () => {
    const { createApiServer } = await import('./api-server.ts');
    const send = async () => ({ entries: [] });
    const server = createApiServer({ outbox: api.outbox, snapshot: () => undefined, send, now: () => api.now });
    for (const url of ['/api/v1/providers', '/api/v1/alerts', '/api/v1/problems']) {
      const response = await server.inject({ url, headers });
      expect([response.statusCode, response.json().code]).toEqual([503, 'FCE_CONFIG_NOT_LOADED']);
    }
  });
});

describe('POST /providers/{namespace}/{name}/send', () => {
  it('generates an event, and accepts a reason or a whole event', async () => {
    const plain = await post('/providers/flux-system/hub/send', {});
    expect(plain).toMatchObject({
      status: 202,
      body: { entries: [{ type: 'dev.cdevents.environment.modified.0.2.0' }] },
    });
    const failed = await post('/providers/flux-system/hub/send', { reason: 'UpgradeFailed' });
    expect(failed.body.entries).toMatchObject([{ type: 'dev.cdevents.taskrun.finished.0.2.0' }]);
    const { body } = await get(`/deliveries/${plain.body.entries[0].id}`);
    expect(body).toMatchObject({ object: 'HelmRelease/flux-system/flux-cdevents-test', reason: 'InstallSucceeded' });
  });

  it('says why when the mapping produces nothing', async () => {
    const { status, body } = await post('/providers/flux-system/hub/send', { reason: 'DriftDetected' });
    expect([status, body]).toEqual([202, { entries: [], skipped: 'unmapped' }]);
  });

  it.each([
    ['flux-system/none', {}, 404, 'FCE_NOT_FOUND'],
    ['flux-system/wrong', {}, 409, 'FCE_CONFIG_INVALID'],
    ['flux-system/hub', { event: { reason: 'X' } }, 400, 'FCE_EVENT_INVALID'],
    ['flux-system/hub', { reason: 'a b' }, 400, 'FCE_OPTION_INVALID'],
    ['flux-system/hub', { unknown: 1 }, 400, 'FCE_OPTION_INVALID'],
  ])('%s %j → %s %s', async (provider, body, status, code) => {
    expect(await post(`/providers/${provider}/send`, body)).toMatchObject({ status, body: { code } });
  });
});

describe('the API as a whole', () => {
  it('describes itself', async () => {
    const { status, body } = await get('/openapi.json');
    expect(status).toBe(200);
    expect(body.openapi).toBe('3.1.0');
    expect(body.info.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(Object.keys(body.paths)).toEqual([
      '/api/v1/deliveries',
      '/api/v1/deliveries/{id}',
      '/api/v1/deliveries/replay',
      '/api/v1/deliveries/discard',
      '/api/v1/providers',
      '/api/v1/alerts',
      '/api/v1/problems',
      '/api/v1/providers/{namespace}/{name}/send',
    ]);
    const names = body.paths['/api/v1/deliveries'].get.parameters.map(({ name }: { name: string }) => name);
    expect(names).toEqual(['state', 'provider', 'type', 'since', 'id', 'limit', 'after']);
  });

  it('answers errors as {code, message}', async () => {
    expect(await get('/nowhere')).toMatchObject({ status: 404, body: { code: 'FCE_NOT_FOUND' } });
    const broken = await api.server.inject({
      method: 'POST',
      url: '/api/v1/deliveries/replay',
      headers: { ...headers, 'content-type': 'application/json' },
      payload: '{"all":',
    });
    expect([broken.statusCode, broken.json().code]).toEqual([400, 'FCE_API_REFUSED']);
  });

  it('is guarded everywhere, including its description and unknown paths', async () => {
    for (const url of ['/api/v1/deliveries', '/api/v1/openapi.json', '/api/v1/nowhere']) {
      const response = await api.server.inject({ url, headers: { host: 'rebound.example' } });
      expect([response.statusCode, response.json().code]).toEqual([403, 'FCE_API_REFUSED']);
    }
  });

  it('requires a configured token, whatever the Host', async () => {
    await api.close();
    api = await startTestApi({ token: () => 's3cret' });
    const ask = (authorization?: string) =>
      api.server.inject({
        url: '/api/v1/deliveries',
        headers: { host: 'flux.example', ...(authorization && { authorization }) },
      });
    expect((await ask('Bearer s3cret')).statusCode).toBe(200);
    const refused = await ask();
    expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });
});

describe('every answer', () => {
  const securityHeaders = {
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };

  it.each([
    ['GET', '/api/v1/deliveries', 200],
    ['GET', '/api/v1/openapi.json', 200],
    ['GET', '/api/v1/deliveries/0badcafe', 404],
    ['GET', '/api/v1/nothing', 404],
    ['GET', '/', 404],
    ['GET', '/%', 400],
    ['GET', '/api/v1/deliveries?limit=x', 400],
    ['POST', '/api/v1/deliveries/discard', 415],
    ['TRACE', '/api/v1/deliveries', 404],
  ])('has security headers: %s %s, %s', async (method, url, status) => {
    const response = await api.server.inject({ method: method as 'GET', url, headers });
    expect(response.statusCode).toBe(status);
    expect(response.headers).toMatchObject(securityHeaders);
  });

  it('has them when it refuses', async () => {
    const response = await api.server.inject({ url: '/api/v1/deliveries', headers: { host: 'evil.example' } });
    expect(response.statusCode).toBe(403);
    expect(response.headers).toMatchObject(securityHeaders);
  });
});

it('says how long to wait after wrong tokens', async () => {
  await api.close();
  api = await startTestApi({ token: () => 's3cret' });
  const server = await api.server.listen({ host: '127.0.0.1', port: 0 });
  const present = (token: string) =>
    fetch(`${server}/api/v1/deliveries`, { headers: { authorization: `Bearer ${token}` } });
  for (let count = 0; count < 10; count++) expect((await present('guess')).status).toBe(401);
  const refused = await present('s3cret');
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
  expect(await refused.json()).toEqual({ code: 'FCE_API_REFUSED', message: expect.stringContaining('too many wrong') });
});

it('counts in a dry run what a replay or a discard would change, and changes nothing', async () => {
  await sent('a');
  await settle('dead-letter');
  await sent('b');
  await settle('delivered');
  const dryRun = (what: string, body: object) => post(`/deliveries/${what}`, { ...body, dryRun: true });
  const ofHub = (count: number) => ({ status: 200, body: { count, providers: { 'flux-system/hub': count } } });
  expect(await dryRun('discard', { all: true })).toEqual(ofHub(1));
  expect(await dryRun('replay', { all: true })).toEqual(ofHub(1));
  expect(await dryRun('replay', { all: true, states: ['dead-letter', 'delivered'] })).toEqual(ofHub(2));
  expect(await dryRun('discard', { provider: 'flux-system/other' })).toEqual({
    status: 200,
    body: { count: 0, providers: {} },
  });
  expect((await dryRun('discard', {})).status).toBe(400);
  const { body } = await get('/deliveries');
  expect(body.entries.map(({ state }: Delivery) => state)).toEqual(['delivered', 'dead-letter']);
});

describe('a request that is larger than any other', () => {
  it('with more values than an event has is refused at once', async () => {
    const { status, body } = await post('/deliveries/replay', { ids: Array(100_000).fill('a') });
    expect(status).toBe(400);
    expect(body).toEqual({
      code: 'FCE_OPTION_INVALID',
      message: 'body: expected JSON of at most 12,000 values, found more',
    });
  });

  it('for an id of 300 characters finds nothing', async () => {
    expect((await get(`/deliveries/${'x'.repeat(300)}`)).status).toBe(404);
  });
});
