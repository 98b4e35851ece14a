import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createKubeClient } from '../src/kube-api/kube-client.ts';
import type { Endpoint } from '../src/provider/provider.ts';
import { createTransports } from '../src/transport/create-transports.ts';
import { type Certificate, type CertificateAuthority, createAuthority } from './helpers/certificates.ts';
import { startForwardProxy } from './helpers/forward-proxy.ts';
import { aProvider } from './helpers/providers.ts';
import { startReceiver } from './helpers/receiver.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nX-Other: 1\r\n\r\n';
const PROCESSING = 'HTTP/1.1 102 Processing\r\n\r\n';
const ACCEPTED = 'HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}';

let authority: CertificateAuthority;
let certificate: Certificate;
beforeAll(async () => {
  authority = await createAuthority();
  certificate = await authority.server();
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that answers each request with these bytes, each piece in a packet of its own. */
async function aRawServer(pieces: readonly string[], tls?: Certificate) {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const onConnection = (socket: Socket) => {
    connections++;
    sockets.add(socket);
    let received = '';
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const [head = '', ...body] = received.split('\r\n\r\n');
      if (body.length === 0 || body.join('\r\n\r\n').length < Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0))
        return;
      requests.push(received);
      received = '';
      const sendNext = (index: number) => {
        const piece = pieces[index];
        if (piece !== undefined) socket.write(piece, 'latin1', () => setImmediate(sendNext, index + 1));
      };
      sendNext(0);
    });
  };
  const server = tls ? createTlsServer(tls, onConnection) : createServer(onConnection);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    requests,
    get connections() {
      return connections;
    },
  };
}

function aSender(endpoint: Partial<Endpoint>) {
  const transports = createTransports({ env: {} });
  cleanups.push(() => transports.close());
  const transport = transports.forProvider(aProvider({ endpoint: { timeoutMs: 5_000, ...endpoint } }));
  return () => transport.send([{ kind: 'forward', body: '{"a":1}' }], new AbortController().signal);
}

const answers: [string, string[]][] = [
  ['100', [CONTINUE, ACCEPTED]],
  ['100 in one packet with the answer', [CONTINUE + ACCEPTED]],
  ['100 with headers', [`HTTP/1.1 100 Continue\r\nServer: x\r\n\r\n`, ACCEPTED]],
  ['102', [PROCESSING, ACCEPTED]],
  ['103', [HINTS, ACCEPTED]],
  ['many', [CONTINUE, HINTS, CONTINUE, CONTINUE + PROCESSING, ACCEPTED]],
  ['many, byte by byte', [...(CONTINUE + HINTS + CONTINUE + ACCEPTED)]],
];

describe.each(answers)('%s before the answer', (_, pieces) => {
  it.each([
    ['http', false],
    ['https', true],
  ])('over %s: the event is delivered once, and connections are kept', async (_scheme, secure) => {
    const server = await aRawServer(pieces, secure ? certificate : undefined);
    const send = aSender({ address: server.url, ...(secure && { tls: { ca: authority.ca } }) });
    for (let i = 0; i < 5; i++) expect(await send()).toEqual({ status: 'delivered', code: '202' });
    expect(server.requests).toHaveLength(5);
    expect(server.connections).toBeLessThanOrEqual(2); // undici opens another when one is not free again at once
  });

  it('is skipped by the client of the API server', async () => {
    const { url: server } = await aRawServer(pieces);
    const client = createKubeClient({
      access: { server, credentials: async () => ({ headers: {}, tls: {} }), renew() {} },
    });
    cleanups.push(() => client.close());
    for (let i = 0; i < 2; i++) expect(await client.request({ path: '/version' })).toEqual({ status: 202, body: {} });
  });

  it('is skipped when a proxy passes it on', async () => {
    const proxy = await aRawServer(pieces);
    const send = aSender({ address: 'http://hub.example/', proxy: { url: proxy.url } });
    expect(await send()).toEqual({ status: 'delivered', code: '202' });
    expect(proxy.requests).toHaveLength(1);
  });
});

describe.each([
  ['an http proxy', false],
  ['an https proxy', true],
])('%s', (_, secure) => {
  it.each([
    ['100', CONTINUE],
    ['102', PROCESSING],
    ['several, with headers', HINTS + CONTINUE],
  ])('may send %s before it opens a tunnel, and the receiver before it answers', async (_name, before) => {
    const receiver = await startReceiver({ tls: certificate });
    cleanups.push(() => receiver.close());
    const proxy = await startForwardProxy({ target: receiver, before, ...(secure && { tls: certificate }) });
    cleanups.push(() => proxy.close());
    const send = aSender({ address: receiver.url, tls: { ca: authority.ca }, proxy: { url: proxy.url } });
    expect(await send()).toEqual({ status: 'delivered', code: '202' });
    expect(await send()).toEqual({ status: 'delivered', code: '202' });
    expect(receiver.requests).toHaveLength(2);
  });
});

it('counts what follows, whatever it is', async () => {
  const { url: address } = await aRawServer([
    CONTINUE,
    'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n',
  ]);
  expect(await aSender({ address })()).toMatchObject({ status: 'retryable', code: '503', retryAfterMs: 7000 });
});

it('waits for the final answer no longer than for any other', async () => {
  const { url: address } = await aRawServer([CONTINUE]);
  expect(await aSender({ address, timeoutMs: 200 })()).toMatchObject({ status: 'retryable', code: 'timeout' });
});

it('reports a connection that ends before the final answer', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).on('data', () => socket.end(CONTINUE)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await aSender({ address })()).toMatchObject({ status: 'retryable', code: 'ECONNRESET' });
});
