import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Certificate, type CertificateAuthority, createAuthority } from '../../test/helpers/certificates.ts';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { silentLogger } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createEventServer } from './event-server.ts';
import { createPeerCheck } from './spiffe.ts';
import { openTlsFiles, type TlsSource } from './tls-files.ts';

const HELM = 'spiffe://cluster.local/ns/flux-system/sa/helm-controller';
const OTHER = 'spiffe://cluster.local/ns/default/sa/default';
const NOW = Date.now();

let authority: CertificateAuthority;
let stranger: CertificateAuthority;
let server1: Certificate;
let server2: Certificate;
let helm: Certificate;
let other: Certificate;
beforeAll(async () => {
  authority = await createAuthority();
  stranger = await createAuthority('another authority');
  [server1, server2] = [await authority.server(), await authority.server()];
  [helm, other] = [
    await authority.client('helm', { uris: [HELM] }),
    await authority.client('other', { uris: [OTHER] }),
  ];
});

let folder: string;
const closers: (() => Promise<unknown> | unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-tls-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** As the kubelet mounts a Secret: files are links into `..data`, a link that is swapped. */
let versions = 0;
function mount(files: Readonly<Record<string, string>>) {
  const version = `..v${versions++}`;
  mkdirSync(join(folder, version));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, version, name), text);
  symlinkSync(version, join(folder, '..new'));
  renameSync(join(folder, '..new'), join(folder, '..data'));
  for (const name of Object.keys(files)) {
    rmSync(join(folder, name), { force: true });
    symlinkSync(join('..data', name), join(folder, name));
  }
}
const filesOf = ({ cert, key }: Certificate, ca = authority.ca) => ({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca });
const paths = () => ({ cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') });

async function start({
  mutual = false,
  ids,
  now = () => NOW,
}: {
  mutual?: boolean;
  ids?: string[];
  now?: () => number;
}) {
  const tls = openTlsFiles({ ...paths(), ...(mutual && { clientCa: join(folder, 'ca.crt') }) }, silentLogger());
  const server = createEventServer({
    accept: async () => ({ status: 'stored' }),
    tls,
    ...(mutual && { peer: createPeerCheck(ids && new Set(ids), now) }),
    exportPathMetrics: false,
    metrics: createMetrics(),
    logger: silentLogger(),
    now,
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  closers.push(() => server.close());
  return { tls, port: (server.server.address() as AddressInfo).port };
}

function aClient(port: number, options: { ca?: string; cert?: string; key?: string } = {}) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: authority.ca, ...options });
  closers.push(() => agent.destroy());
  const post = () =>
    new Promise<{ status: number | undefined; reused: boolean; serial: string; body: string }>((resolve, reject) => {
      const outgoing = request({ port, host: 'localhost', method: 'POST', agent }, (answer) => {
        const serial = (answer.socket as TLSSocket).getPeerX509Certificate()?.serialNumber ?? '';
        let body = '';
        answer.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        answer.on('end', () => resolve({ status: answer.statusCode, reused: outgoing.reusedSocket, serial, body }));
      });
      outgoing.on('error', reject).end(JSON.stringify(aFluxEvent()));
    });
  return { post };
}

describe('TLS', () => {
  it('answers, and keeps connections', async () => {
    mount(filesOf(server1));
    const { post } = aClient((await start({})).port);
    expect(await post()).toMatchObject({ status: 202, reused: false, body: '' });
    expect(await post()).toMatchObject({ status: 202, reused: true });
  });

  it('uses rotated files for new connections and keeps the old ones', async () => {
    mount(filesOf(server1));
    const { tls, port } = await start({});
    const before = aClient(port);
    const first = await before.post();

    mount(filesOf(server2));
    tls.refresh();
    const after = await aClient(port).post();
    expect(after.status).toBe(202);
    expect(after.serial).not.toBe(first.serial);
    expect(await before.post()).toMatchObject({ status: 202, reused: true });
  });
});

describe('client certificates', () => {
  it('of the authority may post', async () => {
    mount(filesOf(server1));
    const { port } = await start({ mutual: true });
    expect(await aClient(port, other).post()).toMatchObject({ status: 202 });
  });

  it.each<[string, () => Promise<Partial<Certificate>>]>([
    ['none', async () => ({})],
    ['one of another authority', () => stranger.client('helm', { uris: [HELM] })],
    ['one that has expired', () => authority.client('helm', { uris: [HELM], notAfter: new Date(NOW - 1000) })],
  ])('%s: no connection', async (_, certificate) => {
    mount(filesOf(server1));
    const { port } = await start({ mutual: true, ids: [HELM] });
    await expect(aClient(port, await certificate()).post()).rejects.toThrow();
  });

  it.each<[string, () => Promise<Certificate>, number]>([
    ['the SPIFFE ID that is listed', async () => helm, 202],
    ['another SPIFFE ID', async () => other, 401],
    ['a longer one', () => authority.client('x', { uris: [`${HELM}/x`] }), 401],
    ['two of them', () => authority.client('x', { uris: [HELM, OTHER] }), 401],
    ['none', () => authority.client(HELM), 401],
  ])('with %s: %#', async (_, certificate, status) => {
    mount(filesOf(server1));
    const { port } = await start({ mutual: true, ids: [HELM] });
    const client = aClient(port, await certificate());
    expect(await client.post()).toMatchObject({ status, body: '' });
    expect(await client.post()).toMatchObject({ status, reused: status === 202 });
  });

  it('count no longer once they have expired, on an open connection too', async () => {
    mount(filesOf(server1));
    let at = NOW;
    const svid = await authority.client('helm', { uris: [HELM], notAfter: new Date(NOW + 3_600_000) });
    const { port } = await start({ mutual: true, ids: [HELM], now: () => at });
    const client = aClient(port, svid);
    expect(await client.post()).toMatchObject({ status: 202 });
    at += 3_602_000;
    expect(await client.post()).toMatchObject({ status: 401, reused: true });
  });

  it('of a new authority count as soon as its file is there, those of the old one no longer', async () => {
    mount(filesOf(server1));
    const { tls, port } = await start({ mutual: true, ids: [HELM] });
    const open = aClient(port, helm);
    expect((await open.post()).status).toBe(202);

    mount(filesOf(server1, stranger.ca));
    tls.refresh();
    expect((await aClient(port, await stranger.client('helm', { uris: [HELM] })).post()).status).toBe(202);
    await expect(aClient(port, helm).post()).rejects.toThrow();
    expect(await open.post()).toMatchObject({ status: 202, reused: true });
  });
});

describe('files', () => {
  const opened = (clientCa = false): TlsSource => {
    const source = openTlsFiles({ ...paths(), ...(clientCa && { clientCa: join(folder, 'ca.crt') }) }, silentLogger());
    closers.push(() => source.close());
    return source;
  };

  it.each<[string, () => Record<string, string>]>([
    ['no files', () => ({})],
    ['no certificate', () => ({ ...filesOf(server1), 'tls.crt': 'x' })],
    ['the key of another certificate', () => ({ ...filesOf(server1), 'tls.key': server2.key })],
    ['no authority', () => ({ ...filesOf(server1), 'ca.crt': '' })],
  ])('%s: not at the start, and not later', (_, wrong) => {
    mount(wrong());
    expect(() => opened(true)).toThrow(/^TLS of the events address: /);

    mount(filesOf(server1));
    const source = opened(true);
    const changes: string[] = [];
    source.onChange(({ cert }) => changes.push(cert));
    mount(wrong());
    for (const name of ['tls.crt', 'tls.key', 'ca.crt']) if (!(name in wrong())) rmSync(join(folder, name));
    source.refresh();
    expect(source.current).toMatchObject({ cert: server1.cert, key: server1.key });

    mount(filesOf(server2));
    source.refresh();
    source.refresh();
    expect(changes).toEqual([server2.cert]);
  });
});
