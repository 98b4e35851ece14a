import { createHmac } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CertificateAuthority, createAuthority } from '../../test/helpers/certificates.ts';
import { startForwardProxy } from '../../test/helpers/forward-proxy.ts';
import { aProvider as aReadyProvider } from '../../test/helpers/providers.ts';
import { type Receiver, type ReceiverOptions, startReceiver } from '../../test/helpers/receiver.ts';
import type { Endpoint, ProviderOptions, ReadyProvider } from '../provider/provider.ts';
import { createTransports, type TransportsOptions } from './create-transports.ts';
import type { OutgoingMessage } from './transport.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const aReceiver = async (options?: ReceiverOptions): Promise<Receiver> => {
  const receiver = await startReceiver(options);
  cleanups.push(() => receiver.close());
  return receiver;
};

const aProxy = async (options: Parameters<typeof startForwardProxy>[0]) => {
  const proxy = await startForwardProxy(options);
  cleanups.push(() => proxy.close());
  return proxy;
};

const transports = (options: TransportsOptions = {}) => {
  const created = createTransports({ env: {}, userAgent: 'flux-cdevents/1.2.3', ...options });
  cleanups.push(() => created.close());
  return created;
};

const aProvider = (
  endpoint: Partial<Endpoint> & { readonly address: string },
  options: Partial<ProviderOptions> = {},
  fingerprint = 'one',
): ReadyProvider => aReadyProvider({ fingerprint, options, endpoint: { timeoutMs: 5000, ...endpoint } });

const cdevent = (id = 'id-1') => ({
  context: {
    version: '0.4.1',
    id,
    source: '/flux/helm-controller',
    type: 'dev.cdevents.service.deployed.0.2.0',
    timestamp: '2026-03-01T12:00:00Z',
  },
  subject: { id: 'apps/podinfo', source: '/flux/helm-controller', type: 'service', content: {} },
});

const aMessage = (id?: string): OutgoingMessage => ({
  kind: 'cdevent',
  body: JSON.stringify(cdevent(id)),
  partitionKey: `uid-of-${id ?? 'id-1'}`,
});

const fluxMessage: OutgoingMessage = {
  kind: 'flux',
  body: '{"reportingController":"helm-controller", "message": "as it came"}',
};

const send = (provider: ReadyProvider, messages = [aMessage()], options?: TransportsOptions) =>
  transports(options).forProvider(provider).send(messages, new AbortController().signal);

describe('what is sent', () => {
  it('is a CloudEvent in binary mode', async () => {
    const receiver = await aReceiver();
    const outcome = await send(aProvider({ address: `${receiver.url}/hooks/a?b=c` }));
    expect(outcome).toEqual({ status: 'delivered', code: '202' });
    const [request] = receiver.requests;
    expect(request).toMatchObject({
      method: 'POST',
      path: '/hooks/a?b=c',
      headers: {
        'content-type': expect.stringContaining('application/json'),
        'ce-specversion': '1.0',
        'ce-id': 'id-1',
        'ce-type': 'dev.cdevents.service.deployed.0.2.0',
        'ce-partitionkey': 'uid-of-id-1',
        'user-agent': 'flux-cdevents/1.2.3',
      },
    });
    expect(request?.headers).not.toHaveProperty('authorization');
    expect(JSON.parse(request?.body ?? '')).toEqual(cdevent());
  });

  it('is one in structured mode', async () => {
    const receiver = await aReceiver();
    await send(aProvider({ address: receiver.url }, { contentMode: 'structured' }));
    expect(receiver.requests[0]?.headers['content-type']).toContain('application/cloudevents+json');
    expect(JSON.parse(receiver.requests[0]?.body ?? '')).toMatchObject({
      id: 'id-1',
      partitionkey: 'uid-of-id-1',
      data: cdevent(),
    });
  });

  it('is several in batched mode, each with its own partition key', async () => {
    const receiver = await aReceiver();
    await send(aProvider({ address: receiver.url }, { contentMode: 'batched' }), [aMessage('a'), aMessage('b')]);
    expect(receiver.requests).toHaveLength(1);
    expect(receiver.requests[0]?.headers['content-type']).toContain('application/cloudevents-batch+json');
    expect(JSON.parse(receiver.requests[0]?.body ?? '')).toMatchObject([
      { id: 'a', partitionkey: 'uid-of-a' },
      { id: 'b', partitionkey: 'uid-of-b' },
    ]);
  });

  it('is a Flux event as it was received, without the token', async () => {
    const receiver = await aReceiver();
    const provider = aProvider({
      address: receiver.url,
      authorization: 'Bearer s3cret',
      headers: { 'X-Team': 'blue' },
    });
    await send({ ...provider, type: 'generic' }, [fluxMessage]);
    const [request] = receiver.requests;
    expect(request?.body).toBe(fluxMessage.body);
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'gotk-component': 'helm-controller',
      'x-team': 'blue',
    });
    expect(request?.headers).not.toHaveProperty('authorization');
  });

  it.each([
    ['bearer token', { authorization: 'Bearer s3cret' }, 'Bearer s3cret'],
    ['basic credentials', { authorization: 'Basic dTpw' }, 'Basic dTpw'],
    ['header of the Secret first', { authorization: 'Bearer s3cret', headers: { AUTHORIZATION: 'Key 1' } }, 'Key 1'],
  ])('carries the %s', async (_, endpoint, expected) => {
    const receiver = await aReceiver();
    await send(aProvider({ address: receiver.url, ...endpoint }));
    const { rawHeaders = [] } = receiver.requests[0] ?? {};
    expect(rawHeaders.filter((_value, i) => i % 2 === 1 && /^authorization$/i.test(rawHeaders[i - 1] ?? ''))).toEqual([
      expected,
    ]);
  });

  it('takes headers of the Secret before its own, and none that belong to the connection', async () => {
    const receiver = await aReceiver();
    const headers = {
      'User-agent': 'mine',
      'CE-Source': '/mine',
      'Content-Length': '3',
      Connection: 'close',
      'X-A': '1',
    };
    expect(await send(aProvider({ address: receiver.url, headers }))).toMatchObject({ status: 'delivered' });
    expect(receiver.requests[0]?.headers).toMatchObject({ 'user-agent': 'mine', 'ce-source': '/mine', 'x-a': '1' });
  });

  it('is signed over the exact body', async () => {
    const receiver = await aReceiver();
    const hmacKey = new TextEncoder().encode('k\u00e9y');
    const message = { ...aMessage(), body: JSON.stringify({ ...cdevent(), customData: { text: 'grün 🚀' } }) };
    await send(aProvider({ address: receiver.url, hmacKey, headers: { 'x-signature': 'forged' } }), [message]);
    const [request] = receiver.requests;
    const digest = createHmac('sha256', hmacKey)
      .update(request?.body ?? '')
      .digest('hex');
    expect(request?.headers['x-signature']).toBe(`sha256=${digest}`);
    expect(request?.body).toContain('grün 🚀');
  });

  it('reports a header that cannot be sent, and does not throw', async () => {
    const receiver = await aReceiver();
    expect(await send(aProvider({ address: receiver.url, headers: { 'X-Bad': 'a\nb' } }))).toMatchObject({
      status: 'retryable',
      code: 'request',
    });
  });

  it('rejects what is not a CDEvent', async () => {
    const receiver = await aReceiver();
    expect(await send(aProvider({ address: receiver.url }), [{ kind: 'cdevent', body: '{' }])).toMatchObject({
      status: 'rejected',
      code: 'message',
    });
  });
});

describe('what comes back', () => {
  it('is read from the status', async () => {
    const receiver = await aReceiver({ answer: { status: 429, retryAfter: '7', body: 'slow down' } });
    expect(await send(aProvider({ address: receiver.url }))).toEqual({
      status: 'retryable',
      code: '429',
      error: 'answered 429 Too Many Requests: slow down',
      retryAfterMs: 7000,
    });
  });

  it('is not followed when it is a redirect', async () => {
    const elsewhere = await aReceiver();
    const receiver = await aReceiver({ answer: { status: 307, headers: { location: `${elsewhere.url}/x` } } });
    expect(await send(aProvider({ address: receiver.url }))).toMatchObject({
      status: 'rejected',
      error: `answered 307 Temporary Redirect (to ${elsewhere.url}/x); redirects are not followed`,
    });
    expect(elsewhere.requests).toHaveLength(0);
    expect(await send(aProvider({ address: receiver.url, addressIsSecret: true }))).toMatchObject({
      error: 'answered 307 Temporary Redirect; redirects are not followed',
    });
  });

  it('is quoted in short, with the secrets masked', async () => {
    const body = `bad token s3cret\r\nfor /hooks/abc\u0007 ${'x'.repeat(1000)}`;
    const receiver = await aReceiver({ answer: { status: 400, body } });
    const outcome = await send(aProvider({ address: receiver.url, secrets: ['s3cret', 'abc'] }));
    expect(outcome).toMatchObject({ status: 'rejected', code: '400' });
    const { error } = outcome as { error: string };
    expect(error).toMatch(/^answered 400 Bad Request: bad token \*{5} for \/hooks\/\*{5} x+…$/);
    expect(error.length).toBeLessThan(250);
  });

  it('is read to a limit, and an endless answer does not hold the attempt', async () => {
    const receiver = await aReceiver({ answer: { status: 500, body: 'y'.repeat(5_000_000) } });
    expect(await send(aProvider({ address: receiver.url }))).toMatchObject({ status: 'retryable', code: '500' });
  });

  it('keeps the status when the body never ends', async () => {
    const receiver = await aReceiver({ answer: 'hang-in-body' });
    expect(await send(aProvider({ address: receiver.url, timeoutMs: 100 }))).toMatchObject({
      status: 'retryable',
      code: '500',
    });
  });

  it('is a delivery with a 2xx, whatever happens to the body', async () => {
    const receiver = await aReceiver({ answer: { status: 200, body: 'y'.repeat(5_000_000) } });
    expect(await send(aProvider({ address: receiver.url }))).toEqual({ status: 'delivered', code: '200' });
  });

  it('is a timeout when nothing comes', async () => {
    const receiver = await aReceiver({ answer: 'hang' });
    expect(await send(aProvider({ address: receiver.url, timeoutMs: 100 }))).toEqual({
      status: 'retryable',
      code: 'timeout',
      error: 'no answer within 100 ms',
    });
  });

  it.each([
    ['closed', { answer: 'close' } as const, 'ECONNRESET', 'connection closed before an answer came'],
    ['refused', undefined, 'ECONNREFUSED', 'connection refused'],
  ])('is a failure when the connection is %s', async (_, options, code, text) => {
    const receiver = await aReceiver(options);
    if (!options) await receiver.close();
    expect(await send(aProvider({ address: receiver.url }))).toEqual({
      status: 'retryable',
      code,
      error: `${text} (${receiver.url})`,
    });
    expect(await send(aProvider({ address: receiver.url, addressIsSecret: true }))).toMatchObject({ error: text });
  });

  it('is a failure when the name is not known', async () => {
    const outcome = await send(aProvider({ address: 'http://sink.invalid' }));
    expect(outcome).toMatchObject({ status: 'retryable', code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
  });
});

describe('an attempt', () => {
  it('ends when its signal is aborted, one that waits for a connection too', async () => {
    const receiver = await aReceiver({ answer: 'hang' });
    const transport = transports({ concurrent: 1 }).forProvider(aProvider({ address: receiver.url }));
    const controller = new AbortController();
    const outcomes = Promise.all([1, 2].map(() => transport.send([aMessage()], controller.signal)));
    await receiver.received(1);
    controller.abort();
    expect(await outcomes).toMatchObject([{ code: 'aborted' }, { code: 'aborted' }]);
    expect(await transport.send([aMessage()], controller.signal)).toMatchObject({ code: 'aborted' });
    receiver.answer(202);
    expect(await transport.send([aMessage()], new AbortController().signal)).toMatchObject({ status: 'delivered' });
    expect(receiver.requests).toHaveLength(2);
  });

  it('uses a connection again', async () => {
    const receiver = await aReceiver({ answer: { status: 200, body: 'z'.repeat(2000) } });
    const transport = transports().forProvider(aProvider({ address: receiver.url }));
    for (let i = 0; i < 5; i++) await transport.send([aMessage()], new AbortController().signal);
    // undici frees a connection a moment after the answer, so that the next request may open a second one
    expect(receiver.connections).toBeLessThanOrEqual(2);
  });
});

describe('the Transports', () => {
  it('are kept under the fingerprint and closed after what is in flight', async () => {
    const receiver = await aReceiver({ answer: { status: 202, delayMs: 50 } });
    const all = transports();
    const first = all.forProvider(aProvider({ address: receiver.url }));
    expect(all.forProvider(aProvider({ address: receiver.url }))).toBe(first);
    const underWay = first.send([aMessage()], new AbortController().signal);
    all.retain(new Set(['two']));
    expect(all.forProvider(aProvider({ address: receiver.url }, {}, 'two'))).not.toBe(first);
    expect(all.forProvider(aProvider({ address: receiver.url }))).not.toBe(first);
    expect(await underWay).toMatchObject({ status: 'delivered' });
    await vi.waitFor(async () =>
      expect(await first.send([aMessage()], new AbortController().signal)).toMatchObject({ status: 'retryable' }),
    );
  });
});

it('closes at once when its last request was given up, connected or not', async () => {
  const receiver = await aReceiver({ answer: 'hang' });
  const all = createTransports({ env: {}, concurrent: 1 });
  const controller = new AbortController();
  const sent = [1, 2].map(() =>
    all.forProvider(aProvider({ address: receiver.url })).send([aMessage()], controller.signal),
  );
  await receiver.received(1);
  const closed = all.close();
  controller.abort();
  await closed;
  expect(await Promise.all(sent)).toMatchObject([{ code: 'aborted' }, { code: 'aborted' }]);
});

describe('TLS', () => {
  let authority: CertificateAuthority;
  beforeAll(async () => {
    authority = await createAuthority();
  });

  it('trusts the CA of the Secret, and the system roots without one', async () => {
    const receiver = await aReceiver({ tls: await authority.server() });
    expect(await send(aProvider({ address: receiver.url, tls: { ca: authority.ca } }))).toMatchObject({
      status: 'delivered',
    });
    expect(await send(aProvider({ address: receiver.url }))).toMatchObject({
      status: 'retryable',
      code: 'tls',
      error: expect.stringMatching(/^TLS: the certificate authority is not/),
    });
    const other = await createAuthority('another');
    expect(await send(aProvider({ address: receiver.url, tls: { ca: other.ca } }))).toMatchObject({ code: 'tls' });
  });

  it('checks the host name', async () => {
    const receiver = await aReceiver({ tls: await authority.server('elsewhere.test') });
    expect(await send(aProvider({ address: receiver.url, tls: { ca: authority.ca } }))).toMatchObject({
      code: 'tls',
      error: `TLS: the certificate is for another host name (${receiver.url})`,
    });
  });

  it('shows its client certificate', async () => {
    const receiver = await aReceiver({ tls: { ...(await authority.server()), ca: authority.ca } });
    const tls = { ca: authority.ca, ...(await authority.client('flux')) };
    expect(await send(aProvider({ address: receiver.url, tls }))).toMatchObject({ status: 'delivered' });
    expect(receiver.requests[0]?.clientName).toBe('flux');
    expect(await send(aProvider({ address: receiver.url, tls: { ca: authority.ca } }))).toMatchObject({
      status: 'retryable',
      code: expect.stringMatching(/^(tls|ECONNRESET)$/),
    });
  });

  it('says so when the other side speaks plain HTTP', async () => {
    const receiver = await aReceiver();
    expect(await send(aProvider({ address: receiver.url.replace('http:', 'https:') }))).toMatchObject({
      code: 'tls',
      error: expect.stringContaining('does not speak TLS'),
    });
  });

  it('reports a certificate that cannot be read, and does not throw', async () => {
    const receiver = await aReceiver({ tls: await authority.server() });
    for (const tls of [{ ca: authority.ca, cert: 'no PEM', key: 'no PEM' }, { ca: '-----BEGIN CERTIFICATE-----\nx' }]) {
      expect(await send(aProvider({ address: receiver.url, tls }))).toMatchObject({ status: 'retryable', code: 'tls' });
    }
  });

  it('goes through a proxy, a TLS one too', async () => {
    const receiver = await aReceiver({ tls: await authority.server() });
    for (const tls of [undefined, await authority.server()]) {
      const proxy = await aProxy({ target: receiver, authorization: 'Basic dTpw', ...(tls && { tls }) });
      const endpoint = { address: receiver.url, tls: { ca: authority.ca } };
      const outcome = await send(aProvider({ ...endpoint, proxy: { url: proxy.url, authorization: 'Basic dTpw' } }));
      expect(outcome).toMatchObject({ status: 'delivered' });
      expect(proxy.requests).toEqual([{ line: `CONNECT localhost:${receiver.port}`, authorization: 'Basic dTpw' }]);
      expect(receiver.requests.at(-1)?.headers).not.toHaveProperty('proxy-authorization');
      expect(await send(aProvider({ ...endpoint, proxy: { url: proxy.url } }))).toMatchObject({
        status: 'retryable',
        code: 'proxy',
        error: expect.stringContaining('the proxy answered 407 Proxy Authentication Required'),
        slow: true,
      });
    }
  });
});

describe('a proxy', () => {
  it('gets plain requests in absolute form, with its credentials', async () => {
    const receiver = await aReceiver();
    const proxy = await aProxy({ target: receiver, authorization: 'Basic dTpw' });
    const provider = (authorization?: string) =>
      aProvider({
        address: 'http://sink.test/x',
        headers: { 'Proxy-Authorization': 'of no use' },
        proxy: { url: proxy.url, ...(authorization && { authorization }) },
      });
    expect(await send(provider('Basic dTpw'))).toMatchObject({ status: 'delivered' });
    expect(proxy.requests).toEqual([{ line: 'POST http://sink.test/x', authorization: 'Basic dTpw' }]);
    expect(receiver.requests[0]).toMatchObject({ path: '/x', headers: { host: 'sink.test' } });
    expect(await send(provider())).toMatchObject({ status: 'retryable', code: 'proxy', slow: true });
  });

  it('is named when it cannot be reached', async () => {
    const receiver = await aReceiver();
    await receiver.close();
    for (const address of ['http://sink.test', 'https://sink.test']) {
      expect(await send(aProvider({ address, proxy: { url: receiver.url } }))).toMatchObject({
        status: 'retryable',
        code: 'ECONNREFUSED',
        error: `the proxy: connection refused (${receiver.url})`,
      });
    }
  });

  it('comes from the environment when none is configured', async () => {
    const receiver = await aReceiver();
    const proxy = await aProxy({ target: receiver });
    const env = { HTTP_PROXY: proxy.url.replace('//', '//u:p%40@'), NO_PROXY: '127.0.0.1' };
    expect(await send(aProvider({ address: 'http://sink.test/' }), [aMessage()], { env })).toMatchObject({
      status: 'delivered',
    });
    expect(proxy.requests).toEqual([
      { line: 'POST http://sink.test/', authorization: `Basic ${Buffer.from('u:p@').toString('base64')}` },
    ]);
    expect(await send(aProvider({ address: receiver.url }), [aMessage()], { env })).toMatchObject({
      status: 'delivered',
    });
    expect(proxy.requests).toHaveLength(1);
  });
});
