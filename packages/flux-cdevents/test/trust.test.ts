import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { probeAddress } from '../src/commands/cluster/probe.ts';
import { inClusterAccess } from '../src/kube-api/in-cluster.ts';
import { createKubeClient } from '../src/kube-api/kube-client.ts';
import { kubeconfigAccess } from '../src/kube-api/kubeconfig.ts';
import { silentLogger } from '../src/observe/log.ts';
import { createMetrics } from '../src/observe/metrics.ts';
import { forwardProvider } from '../src/pipeline/forward.ts';
import type { Endpoint, ReadyProvider } from '../src/provider/provider.ts';
import { createEventServer } from '../src/receive/event-server.ts';
import { createPeerCheck } from '../src/receive/spiffe.ts';
import { openTlsFiles } from '../src/receive/tls-files.ts';
import { createTransports } from '../src/transport/create-transports.ts';
import { type Certificate, type CertificateAuthority, createAuthority } from './helpers/certificates.ts';
import { aFluxEvent } from './helpers/flux-events.ts';
import { startForwardProxy } from './helpers/forward-proxy.ts';
import { aProvider } from './helpers/providers.ts';
import { startReceiver } from './helpers/receiver.ts';

const HOUR = 3_600_000;
/** What a test presents: a certificate of the intermediate authority, with that authority's behind it. */
let chain: Certificate;
let expired: Certificate;
let misnamed: Certificate;
let clientChain: Certificate;
let expiredClient: Certificate;
let root: CertificateAuthority;
let intermediate: CertificateAuthority;
let stranger: CertificateAuthority;
/** PEM texts by the name that the tables have. */
let anchors: Readonly<Record<string, string>>;
let clientAnchors: Readonly<Record<string, string>>;
const systemAuthorities = getCACertificates('default');

const withChain = ({ cert, key }: Certificate): Certificate => ({ cert: `${cert}\n${intermediate.ca}`, key });

beforeAll(async () => {
  root = await createAuthority('the root');
  intermediate = await root.intermediate();
  stranger = await createAuthority('another root');
  const [server, client] = [await intermediate.server(), await intermediate.client('helm')];
  const past = { notAfter: new Date(Date.now() - HOUR) };
  [chain, clientChain] = [withChain(server), withChain(client)];
  [expired, misnamed] = [
    withChain(await intermediate.server('localhost', past)),
    withChain(await intermediate.server('elsewhere.example')),
  ];
  expiredClient = withChain(await intermediate.client('helm', past));
  const issuers = {
    'the root': root.ca,
    'the issuing intermediate alone': intermediate.ca,
    'both in one bundle': `${root.ca}\n${intermediate.ca}`,
    'another root': stranger.ca,
    'another certificate of the intermediate': (await intermediate.server()).cert,
  };
  anchors = { ...issuers, 'its own certificate': server.cert };
  clientAnchors = { ...issuers, 'its own certificate': client.cert };
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(() => setDefaultCACertificates(systemAuthorities));

const aReceiver = async (tls?: Certificate) => {
  const receiver = await startReceiver({ ...(tls && { tls }) });
  cleanups.push(() => receiver.close());
  return receiver;
};

const aFolder = (files: Readonly<Record<string, string>>) => {
  const folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-trust-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};

/** @returns `trusted`, or the code of the failure */
async function deliver(provider: ReadyProvider, env = {}): Promise<string> {
  const transports = createTransports({ env });
  cleanups.push(() => transports.close());
  const message = { kind: 'forward', body: '{}' } as const;
  const outcome = await transports.forProvider(provider).send([message], new AbortController().signal);
  return outcome.status === 'delivered' ? 'trusted' : outcome.code;
}

const toProvider = (endpoint: Partial<Endpoint>) => deliver(aProvider({ endpoint: { timeoutMs: 5_000, ...endpoint } }));

async function throughProxy(ca: string, proxyTls: Certificate | undefined, targetTls: Certificate | undefined) {
  const receiver = await aReceiver(targetTls);
  const proxy = await startForwardProxy({ target: receiver, ...(proxyTls && { tls: proxyTls }) });
  cleanups.push(() => proxy.close());
  return toProvider({ address: receiver.url, tls: { ca }, proxy: { url: proxy.url } });
}

async function anApiServer(tls: Certificate) {
  const server = createServer(tls, (_request, response) => void response.end('{}'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function askApiServer(access: Parameters<typeof createKubeClient>[0]['access']) {
  const client = createKubeClient({ access });
  cleanups.push(() => client.close());
  return client.request({ path: '/version' }).then(
    () => 'trusted',
    (error: { code?: string }) => error.code ?? 'refused',
  );
}

const kubeconfigOf = (cluster: object) =>
  join(
    aFolder({
      kubeconfig: JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster }],
        users: [{ name: 'u', user: { token: 'ours' } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    }),
    'kubeconfig',
  );

/** Each opens a connection to a server that presents this certificate, with these authorities. */
const connections: Readonly<Record<string, (ca: string, server: Certificate) => Promise<string>>> = {
  'a Provider': async (ca, server) => toProvider({ address: (await aReceiver(server)).url, tls: { ca } }),
  'a Provider through the tunnel of a proxy': (ca, server) => throughProxy(ca, undefined, server),
  'an https proxy': (ca, server) => throughProxy(ca, server, undefined),
  'an https proxy and the tunnel through it': (ca, server) => throughProxy(ca, server, server),
  '--forward-to': async (ca, server) => {
    setDefaultCACertificates([...systemAuthorities, ca]);
    return deliver(forwardProvider((await aReceiver(server)).url));
  },
  'the API server of a kubeconfig': async (ca, server) => {
    const url = `https://localhost:${await anApiServer(server)}`;
    const data = { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
    return askApiServer(await kubeconfigAccess({ file: kubeconfigOf(data) }));
  },
  'the API server through a proxy': async (ca, server) => {
    const port = await anApiServer(server);
    const proxy = await startForwardProxy({ target: { port }, tls: server });
    cleanups.push(() => proxy.close());
    const data = {
      server: `https://localhost:${port}`,
      'proxy-url': proxy.url,
      'certificate-authority-data': Buffer.from(ca).toString('base64'),
    };
    return askApiServer(await kubeconfigAccess({ file: kubeconfigOf(data) }));
  },
  'the API server of the cluster': async (ca, server) => {
    const port = await anApiServer(server);
    const directory = aFolder({ token: 'ours', 'ca.crt': ca });
    const env = { KUBERNETES_SERVICE_HOST: 'localhost', KUBERNETES_SERVICE_PORT: String(port) };
    return askApiServer(await inClusterAccess({ directory, env }));
  },
  'the probe of a cluster check': async (ca, server) => {
    const { url: address } = await aReceiver(server);
    return (await probeAddress({ address, addressIsSecret: false, tls: { ca } })) ?? 'trusted';
  },
};

describe.each(Object.entries(connections))('%s', (_name, connect) => {
  it.each(['the root', 'the issuing intermediate alone', 'its own certificate', 'both in one bundle'])(
    'trusts %s',
    async (anchor) => expect(await connect(anchors[anchor] ?? '', chain)).toBe('trusted'),
  );

  it.each(['another root', 'another certificate of the intermediate'])('does not trust %s', async (anchor) =>
    expect(await connect(anchors[anchor] ?? '', chain)).not.toBe('trusted'),
  );

  it('refuses a certificate that has expired', async () => {
    expect(await connect(root.ca, expired)).not.toBe('trusted');
    expect(await connect(expired.cert, expired)).not.toBe('trusted');
  });

  it('refuses a certificate for another name', async () => {
    expect(await connect(root.ca, misnamed)).not.toBe('trusted');
    expect(await connect(misnamed.cert, misnamed)).not.toBe('trusted');
  });
});

describe('the events address with client certificates', () => {
  /** @returns the status of the answer to an event, or that there was no connection */
  async function post(ca: string, client: Certificate, rotate = false) {
    const server = await root.server();
    const folder = aFolder({ 'tls.crt': server.cert, 'tls.key': server.key, 'ca.crt': rotate ? stranger.ca : ca });
    const [cert, key, clientCa] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const tls = openTlsFiles({ cert, key, clientCa }, silentLogger());
    const events = createEventServer({
      accept: async () => ({ status: 'stored' }),
      tls,
      peer: createPeerCheck(undefined, Date.now),
      exportPathMetrics: false,
      metrics: createMetrics(),
      logger: silentLogger(),
      now: Date.now,
    });
    await events.listen({ host: '127.0.0.1', port: 0 });
    cleanups.push(() => events.close());
    if (rotate) {
      writeFileSync(clientCa, ca);
      tls.refresh();
    }
    const { port } = events.server.address() as AddressInfo;
    return new Promise<number | 'no connection'>((resolve) => {
      request({ host: 'localhost', port, method: 'POST', ca: root.ca, ...client, agent: false }, (answer) =>
        resolve(answer.resume().statusCode ?? 0),
      )
        .on('error', () => resolve('no connection'))
        .end(JSON.stringify(aFluxEvent()));
    });
  }

  it.each(['the root', 'the issuing intermediate alone', 'its own certificate', 'both in one bundle'])(
    'trust %s, also after it was rotated',
    async (anchor) => {
      expect(await post(clientAnchors[anchor] ?? '', clientChain)).toBe(202);
      expect(await post(clientAnchors[anchor] ?? '', clientChain, true)).toBe(202);
    },
  );

  it.each(['another root', 'another certificate of the intermediate'])('do not trust %s', async (anchor) =>
    expect(await post(clientAnchors[anchor] ?? '', clientChain)).toBe('no connection'),
  );

  it('refuse a certificate that has expired', async () => {
    expect(await post(root.ca, expiredClient)).toBe('no connection');
    expect(await post(expiredClient.cert, expiredClient)).toBe('no connection');
  });
});

describe('a host name with a trailing dot', () => {
  const NAME = 'receiver.apps.svc.cluster.local';

  /** As the DNS of a cluster, for which the dot ends a complete name. */
  beforeEach(() => {
    const { lookup } = dns;
    vi.spyOn(dns, 'lookup').mockImplementation(((name: string, ...rest: [dns.LookupOptions, () => void]) =>
      lookup(name.endsWith('.') ? '127.0.0.1' : name, ...rest)) as typeof lookup);
  });
  afterEach(() => void vi.restoreAllMocks());

  /** An https server that notes which name was asked for in the handshake, and which in the request. */
  async function aNamedServer(name: string) {
    const seen: { sni: string; host: string | undefined }[] = [];
    let sni = '';
    const server = createServer(
      {
        ...(await root.server(name)),
        SNICallback: (asked, done) => {
          sni = asked;
          done(null);
        },
      },
      (incoming, response) => {
        seen.push({ sni, host: incoming.headers.host });
        response.end('{}');
      },
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { seen, port: (server.address() as AddressInfo).port };
  }

  it.each(['localhost.', 'localhost'])('%s: the dot is in Host alone', async (host) => {
    const { port, seen } = await aNamedServer('localhost');
    expect(await toProvider({ address: `https://${host}:${port}/`, tls: { ca: root.ca } })).toBe('trusted');
    expect(seen).toEqual([{ sni: 'localhost', host: `${host}:${port}` }]);
  });

  it('is in Host and in CONNECT alone when there is a proxy', async () => {
    const target = await aNamedServer(NAME);
    const proxy = await startForwardProxy({ target });
    cleanups.push(() => proxy.close());
    const address = `https://${NAME}.:8443/events`;
    expect(await toProvider({ address, tls: { ca: root.ca }, proxy: { url: proxy.url } })).toBe('trusted');
    expect(proxy.requests.map(({ line }) => line)).toEqual([`CONNECT ${NAME}.:8443`]);
    expect(target.seen).toEqual([{ sni: NAME, host: `${NAME}.:8443` }]);
  });

  it('of a proxy does not reach the handshake with the proxy', async () => {
    const receiver = await aReceiver();
    const asked: string[] = [];
    const tls = await root.server();
    const SNICallback = (name: string, done: (error: null) => void) => {
      asked.push(name);
      done(null);
    };
    const proxy = await startForwardProxy({ target: receiver, tls: { ...tls, SNICallback } });
    cleanups.push(() => proxy.close());
    const url = proxy.url.replace('localhost', 'localhost.');
    expect(await toProvider({ address: receiver.url, tls: { ca: root.ca }, proxy: { url } })).toBe('trusted');
    expect(asked).toEqual(['localhost']);
  });

  it('does not reach the handshake with the API server', async () => {
    const { port, seen } = await aNamedServer('localhost');
    const directory = aFolder({ token: 'ours', 'ca.crt': root.ca });
    const env = { KUBERNETES_SERVICE_HOST: 'localhost.', KUBERNETES_SERVICE_PORT: String(port) };
    expect(await askApiServer(await inClusterAccess({ directory, env }))).toBe('trusted');
    expect(seen).toEqual([{ sni: 'localhost', host: `localhost.:${port}` }]);
  });

  it('is not in tls-server-name either', async () => {
    const { port, seen } = await aNamedServer(NAME);
    const data = {
      server: `https://127.0.0.1:${port}`,
      'tls-server-name': `${NAME}.`,
      'certificate-authority-data': Buffer.from(root.ca).toString('base64'),
    };
    expect(await askApiServer(await kubeconfigAccess({ file: kubeconfigOf(data) }))).toBe('trusted');
    expect(seen).toEqual([{ sni: NAME, host: `127.0.0.1:${port}` }]);
  });
});

it('checks the certificate against the address, not against a Host header of the Secret', async () => {
  const server = await root.server('elsewhere.example');
  const receiver = await aReceiver(server);
  const headers = { Host: 'elsewhere.example' };
  expect(await toProvider({ address: receiver.url, tls: { ca: root.ca }, headers })).toBe('tls');
});
