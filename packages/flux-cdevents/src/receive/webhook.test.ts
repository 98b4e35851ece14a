import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { anInvalidProvider, aProvider } from '../../test/helpers/providers.ts';
import type { Acceptance } from '../contracts.ts';
import { FluxCDEventsError } from '../errors.ts';
import type { FluxEvent } from '../flux/event.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import { silentLogger } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { ResolvedProvider, WebhookAuth } from '../provider/provider.ts';
import { createEventServer, type EventServerDeps } from './event-server.ts';
import type { WebhookDeps } from './webhook.ts';

const KEY = Buffer.from('s3cr3t-hmac-key');
const webhook: WebhookAuth = { how: 'hmac', key: KEY };
const body = JSON.stringify(aFluxEvent({ metadata: { revision: '6.5.1' } }));
const signed = (text: string, key = KEY) => ({
  'x-signature': `sha256=${createHmac('sha256', key).update(text).digest('hex')}`,
});

const standing: readonly ResolvedProvider[] = [
  aProvider({ ref: { namespace: 'apps', name: 'hub' }, webhook, webhookOnly: true }),
  aProvider({ ref: { namespace: 'apps', name: 'open' }, webhook: { how: 'none' }, webhookOnly: true }),
  aProvider({ ref: { namespace: 'apps', name: 'no-key' } }),
  aProvider({ ref: { namespace: 'apps', name: 'plain' }, type: 'generic-hmac', webhook }),
  { ...anInvalidProvider('wrong'), ref: { namespace: 'apps', name: 'wrong' }, webhook },
  { status: 'foreign', ref: { namespace: 'apps', name: 'chat' }, type: 'slack' },
];

const servers: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

function aServer({
  accept = async () => ({ status: 'stored' }),
  loaded = true,
  providers = () => standing,
  renew,
  ...deps
}: Partial<Omit<EventServerDeps, 'accept' | 'webhook'>> &
  Partial<Pick<WebhookDeps, 'renew'>> & {
    accept?: () => Promise<Acceptance>;
    loaded?: boolean;
    providers?: () => readonly ResolvedProvider[];
  } = {}) {
  const taken: { provider: string; event: FluxEvent; body: string }[] = [];
  const atEndpoint: FluxEvent[] = [];
  const metrics = createMetrics();
  const server = createEventServer({
    accept: async (event) => {
      atEndpoint.push(event);
      return { status: 'stored' };
    },
    webhook: {
      provider: (ref: NamespacedName) => {
        if (!loaded) throw new FluxCDEventsError('FCE_CONFIG_NOT_LOADED', 'not yet');
        return providers().find((provider) => nameOf(provider.ref) === nameOf(ref));
      },
      accept: (ref, event, bytes) => {
        taken.push({ provider: nameOf(ref), event, body: Buffer.from(bytes).toString() });
        return accept();
      },
      ...(renew && { renew }),
    },
    exportPathMetrics: false,
    metrics,
    logger: silentLogger(),
    now: () => Date.parse('2026-11-24T08:00:00Z'),
    ...deps,
  });
  servers.push(server);
  const post = (path: string, payload: string | Buffer, headers: Record<string, string> = {}) =>
    server.inject({ method: 'POST', url: `/webhook/${path}`, payload, headers });
  return { server, metrics, taken, atEndpoint, post };
}

describe('answers', () => {
  const fail = (code: 'FCE_STORE_UNAVAILABLE') => () => Promise.reject(new FluxCDEventsError(code, 'not now'));
  it.each<[string, number, string, string, Record<string, string>, Parameters<typeof aServer>[0]]>([
    ['stored', 202, 'apps/hub', body, signed(body), {}],
    ['nothing to do', 202, 'apps/hub', body, signed(body), { accept: async () => ({ status: 'nothing' }) }],
    ['a Provider that says something wrong: it waits', 202, 'apps/wrong', body, signed(body), {}],
    ['no signature asked for', 202, 'apps/open', body, {}, {}],
    [
      'a duplicate, which a notification-controller would take for a failure',
      202,
      'apps/hub',
      body,
      signed(body),
      { accept: async () => ({ status: 'duplicate', retryAfterMs: 90_400 }) },
    ],
    ['signed, but no JSON', 400, 'apps/hub', '{', signed('{'), {}],
    ['signed, but empty', 400, 'apps/hub', '', signed(''), {}],
    ['signed, but no event', 400, 'apps/hub', '{}', signed('{}'), {}],
    ['signed, but a Provider without a receiver of CDEvents', 404, 'apps/plain', body, signed(body), {}],
    ['no signature', 401, 'apps/hub', body, {}, {}],
    ['a signature of another key', 401, 'apps/hub', body, signed(body, Buffer.from('x')), {}],
    ['a signature of another body', 401, 'apps/hub', body, signed(`${body} `), {}],
    ['not signed and no JSON: the body is not looked at', 401, 'apps/hub', '{', {}, {}],
    ['no key to check with', 401, 'apps/no-key', body, signed(body), {}],
    ['no such Provider', 401, 'apps/nobody', body, signed(body), {}],
    ['no such namespace', 401, 'no/hub', body, {}, {}],
    ['a Provider of another type', 401, 'apps/chat', body, signed(body), {}],
    ['a Provider without a receiver, not signed', 401, 'apps/plain', body, {}, {}],
    ['a name with a slash in it', 401, 'apps%2Fhub/x', body, signed(body), {}],
    ['slashes that were written twice', 202, '/apps//hub', body, signed(body), {}],
    ['a name of 253 characters that no Provider has', 401, `apps/${'x'.repeat(253)}`, body, signed(body), {}],
    ['too short a path', 404, 'apps', body, signed(body), {}],
    ['too long a path', 404, 'apps/hub/x', body, signed(body), {}],
    ['over 3 MiB', 413, 'apps/hub', 'x'.repeat(3 * 1024 * 1024 + 1), {}, {}],
    ['the store cannot take it', 503, 'apps/hub', body, signed(body), { accept: fail('FCE_STORE_UNAVAILABLE') }],
    ['the configuration is not loaded', 503, 'apps/hub', body, signed(body), { loaded: false }],
    ['something unforeseen', 500, 'apps/hub', body, signed(body), { accept: () => Promise.reject(new Error('x')) }],
  ])('%s: %d', async (_, status, path, payload, headers, deps) => {
    const { post, atEndpoint } = aServer(deps);
    const answer = await post(path, payload, headers);
    expect(answer.statusCode).toBe(status);
    expect(answer.body).toBe('');
    expect(answer.headers['content-length']).toBe('0');
    expect(answer.headers['retry-after'] !== undefined).toBe(status === 503);
    expect(atEndpoint).toEqual([]);
  });

  it.each(['GET', 'PUT', 'DELETE'] as const)('%s is not allowed', async (method) => {
    const answer = await aServer().server.inject({ method, url: '/webhook/apps/hub' });
    expect([answer.statusCode, answer.body]).toEqual([405, '']);
  });

  it('do not reveal to an outsider which Providers exist', async () => {
    const { post } = aServer();
    const answers = [];
    for (const name of ['hub', 'wrong', 'plain', 'no-key', 'chat', 'nobody']) {
      const { statusCode, headers, body: text } = await post(`apps/${name}`, body, signed(body, Buffer.from('guess')));
      answers.push(JSON.stringify({ statusCode, text, headers: { ...headers, date: '' } }));
    }
    expect(new Set(answers).size).toBe(1);
  });
});

describe('a signature that does not fit', () => {
  const rotated = Buffer.from('the next key');

  it('is checked again when the key was read again', async () => {
    let key = KEY;
    const { post } = aServer({
      providers: () => [aProvider({ ref: { namespace: 'apps', name: 'hub' }, webhook: { how: 'hmac', key } })],
      renew: async () => {
        key = rotated;
      },
    });
    expect((await post('apps/hub', body, signed(body, rotated))).statusCode).toBe(202);
    expect((await post('apps/hub', body, signed(body))).statusCode).toBe(401);
  });

  it('has the key read for any name, so that waiting tells nothing; none at all has not', async () => {
    const asked: string[] = [];
    const { post } = aServer({ renew: async (ref) => void asked.push(nameOf(ref)) });
    for (const name of ['hub', 'nobody', 'chat', 'no-key']) {
      expect((await post(`apps/${name}`, body, signed(body, rotated))).statusCode).toBe(401);
    }
    expect(asked).toEqual(['apps/hub', 'apps/nobody', 'apps/chat', 'apps/no-key']);
    await post('apps/hub', body);
    await post('apps/hub', body, signed(body));
    expect(asked).toHaveLength(4);
  });

  it('does so 16 at a time: more are refused at once', async () => {
    const waiting: (() => void)[] = [];
    const { post } = aServer({ renew: () => new Promise((resolve) => waiting.push(resolve)) });
    const posts = Array.from({ length: 16 }, () => post('apps/hub', body, signed(body, rotated)));
    await vi.waitFor(() => expect(waiting).toHaveLength(16));
    expect((await post('apps/hub', body, signed(body, rotated))).statusCode).toBe(401);
    expect((await post('apps/hub', body, signed(body))).statusCode).toBe(202);
    for (const resolve of waiting) resolve();
    expect((await Promise.all(posts)).map(({ statusCode }) => statusCode)).toEqual(Array(16).fill(401));
  });
});

it('hands over the bytes that came, the event and the Provider', async () => {
  const { post, taken } = aServer();
  const spelled = ` ${body.replace('apps', '\\u0061pps')}\n`;
  await post('apps/hub?from=flux', spelled, { ...signed(spelled), 'content-type': 'application/json' });
  expect(taken).toEqual([
    { provider: 'apps/hub', event: aFluxEvent({ metadata: { revision: '6.5.1' } }), body: spelled },
  ]);
});

it('checks bytes, not text', async () => {
  const { post } = aServer();
  const bytes = Buffer.from(body.replace('podinfo', 'pod\xffinfo'), 'latin1');
  const headers = { 'x-signature': `sha256=${createHmac('sha256', KEY).update(bytes).digest('hex')}` };
  expect((await post('apps/hub', bytes, headers)).statusCode).toBe(202);
  expect((await post('apps/hub', bytes.toString('utf8'), headers)).statusCode).toBe(401);
});

it('asks for no bearer token: it has a check of its own', async () => {
  const { post, server } = aServer({ authenticate: () => false });
  expect((await post('apps/hub', body, signed(body))).statusCode).toBe(202);
  expect((await server.inject({ method: 'POST', url: '/', payload: body })).statusCode).toBe(401);
});

it('counts as the event endpoint does', async () => {
  const { post, metrics } = aServer();
  await post('apps/hub', body, signed(body));
  await post('apps/hub', body);
  await post('apps/plain', body, signed(body));
  const text = await metrics.registry.metrics();
  for (const result of ['stored', 'unauthorized', 'not_found']) {
    expect(text).toContain(`flux_cdevents_events_received_total{result="${result}"} 1`);
  }
  expect(text).toContain('gotk_event_http_requests_inflight{service="",handler="/"} 0');
});
