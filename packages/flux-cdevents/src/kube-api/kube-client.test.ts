import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKubeClient, describeAnswer, describeNoAnswer, type KubeClient, type WatchEvent } from './kube-client.ts';

const { signal } = new AbortController();
let server: Server;
let client: KubeClient;
let answer: RequestListener;
let requests: IncomingMessage[];
let connections: number;
let token: string;
let renewals: number;

beforeEach(async () => {
  requests = [];
  connections = 0;
  token = 'first';
  renewals = 0;
  answer = (_, response) => void response.end('{}');
  server = createServer((request, response) => {
    requests.push(request);
    request.resume().on('end', () => answer(request, response));
  }).on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = createKubeClient({
    access: {
      server: `http://127.0.0.1:${port}/prefix`,
      namespace: 'apps',
      credentials: async () => ({ headers: { authorization: `Bearer ${token}` }, tls: {} }),
      renew() {
        renewals++;
        token = 'second';
      },
    },
    userAgent: 'test',
    watchIdleMs: 1_000,
  });
});
afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('a request', () => {
  it('says who asks, for what, in what form', async () => {
    const body = { a: 1 };
    await client.request({ method: 'PATCH', path: '/x?y=z', body, contentType: 'application/merge-patch+json' });
    expect(requests[0]).toMatchObject({
      method: 'PATCH',
      url: '/prefix/x?y=z',
      headers: {
        authorization: 'Bearer first',
        accept: 'application/json',
        'content-type': 'application/merge-patch+json',
        'user-agent': 'test',
      },
    });
  });

  it('has an answer whatever the status', async () => {
    answer = (_, response) => void response.writeHead(404).end('{"reason":"NotFound","message":"no such thing"}');
    const found = await client.request({ path: '/a' });
    expect(found).toEqual({ status: 404, body: { reason: 'NotFound', message: 'no such thing' } });
    expect(describeAnswer(found)).toBe('404 NotFound: no such thing');
    answer = (_, response) => void response.writeHead(502).end('<html>');
    expect(describeAnswer(await client.request({ path: '/b' }))).toBe('502');
  });

  it('keeps its connection', async () => {
    for (let count = 0; count < 20; count++) await client.request({ path: '/' });
    expect(connections).toBeLessThan(4);
  });

  it('that is refused is repeated once with new credentials', async () => {
    answer = ({ headers }, response) =>
      void response.writeHead(headers.authorization === 'Bearer second' ? 200 : 401).end('{}');
    expect((await client.request({ path: '/' })).status).toBe(200);
    answer = (_, response) => void response.writeHead(401).end('{}');
    expect((await client.request({ path: '/' })).status).toBe(401);
    expect(renewals).toBe(2);
    expect(requests).toHaveLength(4);
  });

  it('that is put off is repeated after a while, but not for ever', async () => {
    answer = (_, response) => void response.writeHead(429, { 'retry-after': '0' }).end('{}');
    expect((await client.request({ path: '/' })).status).toBe(429);
    expect(requests).toHaveLength(4);
  });

  it('without an answer says why', async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const thrown = await client.request({ path: '/' }).catch((error: unknown) => error);
    expect(describeNoAnswer(thrown)).toContain('ECONNREFUSED');
    server.listen(0);
  });
});

describe('a watch', () => {
  const eventsOf = async () => {
    const watch = await client.watch('/watch', signal);
    if (!('events' in watch)) throw new Error('refused');
    const events: WatchEvent[] = [];
    for await (const event of watch.events) events.push(event);
    return events;
  };
  const event = { type: 'ADDED', object: { a: 'ä' } };

  it('gives its events and ends when the API server ends it', async () => {
    answer = (_, response) => {
      response.write(`${JSON.stringify(event)}\n${JSON.stringify(event).slice(0, 9)}`);
      setTimeout(() => response.end(`${JSON.stringify(event).slice(9)}\n`), 20);
    };
    expect(await eventsOf()).toEqual([event, event]);
  });

  it('that is silent for too long is over', async () => {
    answer = (_, response) => void response.write(`${JSON.stringify(event)}\n`);
    expect(await eventsOf()).toEqual([event]);
  });

  it('whose connection breaks throws', async () => {
    answer = (_, response) => {
      response.write(`${JSON.stringify(event)}\n`);
      setTimeout(() => response.destroy(), 20);
    };
    await expect(eventsOf()).rejects.toThrow();
  });

  it('that is refused is an answer', async () => {
    answer = (_, response) => void response.writeHead(410).end('{"reason":"Expired"}');
    expect(await client.watch('/watch', signal)).toEqual({ status: 410, body: { reason: 'Expired' } });
  });
});
