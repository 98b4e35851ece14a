import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { FluxCDEventsError } from '../errors.ts';
import type { FluxEvent } from '../flux/event.ts';
import { silentLogger } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createBearerCheck } from './bearer.ts';
import { createEventServer, type EventServerDeps } from './event-server.ts';

const servers: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

function aServer(deps: Partial<EventServerDeps> = {}) {
  const events: FluxEvent[] = [];
  const metrics = createMetrics();
  const server = createEventServer({
    accept: async (event) => {
      events.push(event);
      return { status: 'stored' };
    },
    exportPathMetrics: false,
    metrics,
    logger: silentLogger(),
    now: () => Date.parse('2026-11-24T08:00:00Z'),
    ...deps,
  });
  servers.push(server);
  const post = (payload: string, more: { url?: string; headers?: Record<string, string> } = {}) =>
    server.inject({ method: 'POST', url: more.url ?? '/', payload, ...(more.headers && { headers: more.headers }) });
  return { server, metrics, events, post };
}

const body = JSON.stringify(aFluxEvent());
const failWith = (code: 'FCE_STORE_UNAVAILABLE' | 'FCE_CONFIG_NOT_LOADED') => async () => {
  throw new FluxCDEventsError(code, 'not now');
};

describe('answers', () => {
  it.each<[string, Partial<EventServerDeps>, string, number]>([
    ['stored', {}, body, 202],
    ['nothing to do', { accept: async () => ({ status: 'nothing' }) }, body, 202],
    ['a duplicate', { accept: async () => ({ status: 'duplicate', retryAfterMs: 90_400 }) }, body, 429],
    ['no JSON', {}, '{', 400],
    ['an empty body', {}, '', 400],
    ['JSON that is no event', {}, '{"reason":"X"}', 400],
    ['over 3 MiB', {}, JSON.stringify(aFluxEvent({ message: 'x'.repeat(3 * 1024 * 1024) })), 413],
    ['the store cannot take it', { accept: failWith('FCE_STORE_UNAVAILABLE') }, body, 503],
    ['the configuration is not loaded', { accept: failWith('FCE_CONFIG_NOT_LOADED') }, body, 503],
    ['something unforeseen', { accept: () => Promise.reject(new Error('secret')) }, body, 500],
  ])('%s', async (_, deps, payload, status) => {
    const answer = await aServer(deps).post(payload);
    expect(answer.statusCode).toBe(status);
    expect(answer.body).toBe('');
    expect(answer.headers['content-length']).toBe('0');
  });

  it.each(['GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'] as const)('%s is not allowed', async (method) => {
    const answer = await aServer().server.inject({ method, url: '/' });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers.allow).toBe('POST');
    expect(answer.body).toBe('');
  });

  it('says when a duplicate counts as new', async () => {
    const { post } = aServer({ accept: async () => ({ status: 'duplicate', retryAfterMs: 90_400 }) });
    expect((await post(body)).headers['retry-after']).toBe('91');
  });

  it('takes an event whatever the path and the content type, as the notification-controller does', async () => {
    const { post, events } = aServer();
    expect((await post(body, { url: '/any/path' })).statusCode).toBe(202);
    expect((await post(body, { headers: { 'content-type': 'text/plain' } })).statusCode).toBe(202);
    expect((await post(body, { headers: { 'content-type': 'application/json; charset=utf-8' } })).statusCode).toBe(202);
    expect(events).toEqual([aFluxEvent(), aFluxEvent(), aFluxEvent()]);
  });
});

it.each(['', ';', '/', 'json', 'application/json, text/plain', 'x'.repeat(5000), 'application/json; charset="'])(
  'ignores the content type %j',
  async (type) => {
    const { post, events } = aServer();
    expect((await post(body, { headers: { 'content-type': type } })).statusCode).toBe(202);
    expect(events).toHaveLength(1);
  },
);

it.each([
  '/webhook',
  '//webhook/apps/hub/x',
  '/flux/webhook/apps/hub',
  '/Webhook/apps/hub',
  '/webhook%2Fapps%2Fhub',
  '/%77ebhook/',
  '/..%2fwebhook/apps/hub?a=b',
])('does not take the event of a misspelt webhook %s for one of its own', async (url) => {
  const { post, events } = aServer();
  expect((await post(body, { url })).statusCode).toBe(404);
  expect(events).toEqual([]);
});

it.each(['/webhooks', '/my-webhook/x', '/?to=/webhook/'])('takes an event on %s', async (url) => {
  expect((await aServer().post(body, { url })).statusCode).toBe(202);
});

describe('authentication', () => {
  const authenticate = createBearerCheck(() => 's3cr3t');
  it.each([
    ['Bearer s3cr3t', 202],
    ['bearer s3cr3t', 202],
    ['Bearer s3cr3', 401],
    ['Basic s3cr3t', 401],
    ['', 401],
  ])('%j → %d', async (authorization, status) => {
    const { post, events } = aServer({ authenticate });
    const answer = await post(body, { headers: { authorization } });
    expect(answer.statusCode).toBe(status);
    expect(answer.body).toBe('');
    expect(events).toHaveLength(status === 202 ? 1 : 0);
  });
});

describe('authentication that takes a while', () => {
  it.each([
    ['true', async () => true, 202],
    ['false', async () => false, 401],
    [
      'not known now',
      () => Promise.reject(new FluxCDEventsError('FCE_AUTH_UNAVAILABLE', 'the API server does not answer')),
      503,
    ],
    ['something unforeseen', () => Promise.reject(new Error('secret')), 500],
  ])('%s → %#', async (_, authenticate, status) => {
    const { post, events } = aServer({ authenticate });
    const answer = await post(body);
    expect(answer.statusCode).toBe(status);
    expect(answer.body).toBe('');
    expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(events).toHaveLength(status === 202 ? 1 : 0);
  });

  it('comes before the body', async () => {
    const { post } = aServer({ authenticate: () => false });
    expect((await post('x'.repeat(3 * 1024 * 1024 + 1))).statusCode).toBe(401);
  });
});

it('passes on the body as it was received', async () => {
  const bodies: string[] = [];
  const { post } = aServer({
    accept: async (_, text) => {
      bodies.push(text);
      return { status: 'stored' };
    },
  });
  const spelled = ` ${JSON.stringify({ ...aFluxEvent(), unknown: 'é' })}\n`;
  await post(spelled);
  expect(bodies).toEqual([spelled]);
});

describe('on a socket', () => {
  async function aListeningServer() {
    const { server, ...rest } = aServer();
    await server.listen({ host: '127.0.0.1', port: 0 });
    const address = server.server.address();
    if (typeof address !== 'object' || !address) throw new Error('not listening');
    return { ...rest, port: address.port };
  }

  const send = (port: number, agent: Agent, headers: Record<string, string> = {}) =>
    new Promise<{ status: number | undefined; reused: boolean }>((resolve, reject) => {
      const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', agent, headers }, (answer) => {
        answer.resume().on('end', () => resolve({ status: answer.statusCode, reused: request.reusedSocket }));
      });
      request.on('error', reject).end(body);
    });

  it('keeps a connection for the next event', async () => {
    const { port } = await aListeningServer();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await send(port, agent)).toEqual({ status: 202, reused: false });
    expect(await send(port, agent)).toEqual({ status: 202, reused: true });
    agent.destroy();
  });

  it.each([
    ['headers within 256 KiB', 200 * 1024, 202],
    ['headers over 256 KiB', 300 * 1024, 431],
  ])('%s', async (_, bytes, status) => {
    const { port } = await aListeningServer();
    const agent = new Agent();
    expect((await send(port, agent, { 'x-long': 'x'.repeat(bytes) })).status).toBe(status);
  });

  it('answers a request that is not HTTP with 400 and an empty body', async () => {
    const { port } = await aListeningServer();
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => socket.write('hello\r\n\r\n'));
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('end', () => resolve(text)).on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer.split('\r\n\r\n')[1]).toBe('');
  });
});

it('counts as the notification-controller does', async () => {
  const { post, metrics } = aServer();
  await post(body);
  await post('{');
  const text = await metrics.registry.metrics();
  expect(text).toContain(
    'gotk_event_http_request_duration_seconds_count{service="",handler="/",method="POST",code="202"} 1',
  );
  expect(text).toContain('gotk_event_http_requests_inflight{service="",handler="/"} 0');
  expect(text).toContain('flux_cdevents_events_received_total{result="stored"} 1');
  expect(text).toContain('flux_cdevents_events_received_total{result="invalid"} 1');
});

describe('with paths in the metrics', () => {
  const handlersIn = async ({ registry }: ReturnType<typeof createMetrics>) =>
    new Set([...(await registry.metrics()).matchAll(/handler="([^"]*)"/g)].map(([, handler]) => handler));

  it('has a series for each route, and one for all other paths', async () => {
    const webhook = {
      provider: () => undefined,
      accept: async () => ({ status: 'stored' }) as const,
    };
    const { server, post, metrics } = aServer({ exportPathMetrics: true, webhook });
    for (let i = 0; i < 100; i++) {
      for (const url of [`/?${i}`, `/${i}`, `//${i}`, `/webhook/a/b${i}`, `/webhook/${i}/x/y`])
        await post(body, { url });
      await server.inject({ method: 'GET', url: `/get${i}` });
    }
    await server.inject({ method: 'GET', url: '/' });
    expect(await handlersIn(metrics)).toEqual(new Set(['/', '/webhook/:namespace/:name', 'other']));
    expect(await metrics.registry.metrics()).toContain(
      'gotk_event_http_request_duration_seconds_count{service="",handler="/",method="POST",code="202"} 100',
    );
  });
});
