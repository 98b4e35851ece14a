import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../../../test/helpers/certificates.ts';
import { aProvider } from '../../../test/helpers/providers.ts';
import { type Receiver, startReceiver } from '../../../test/helpers/receiver.ts';
import { reachAll, reachFindings } from './addresses.ts';
import { probeAddress, serviceIn, shownTarget } from './probe.ts';

const endpoint = (address: string, rest = {}) => ({ address, addressIsSecret: false, ...rest });
const nobody = { request: async () => ({ status: 404, body: {} }) };
const options = { probe: true, inCluster: false, namespace: 'flux-system' };

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.close();
  receiver = undefined;
});

describe('probeAddress', () => {
  it('connects and posts nothing', async () => {
    receiver = await startReceiver();
    expect(await probeAddress(endpoint(receiver.url))).toBeUndefined();
    expect(receiver.requests).toEqual([]);
    const { url } = receiver;
    await receiver.close();
    expect(await probeAddress(endpoint(url))).toBe('ECONNREFUSED');
  });

  it('shakes hands with the CA of the Secret, and only with that', async () => {
    const authority = await createAuthority();
    receiver = await startReceiver({ tls: await authority.server() });
    expect(await probeAddress(endpoint(receiver.url, { tls: { ca: authority.ca } }))).toBeUndefined();
    expect(await probeAddress(endpoint(receiver.url))).toMatch(/^UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [^;]+$/);
  });

  it('does not wait for a receiver that does not answer', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    expect(await probeAddress(endpoint(`https://127.0.0.1:${port}`), 50)).toBe('no connection within 0.05 s');
    silent.close();
  });

  it('shows no address of a Secret', () => {
    expect(shownTarget(endpoint('http://hub/s3cret'))).toBe('http://hub');
    expect(shownTarget({ address: 'http://s3cret', addressIsSecret: true })).toBe('the address in its Secret');
    expect(shownTarget(endpoint('http://hub', { proxy: { url: 'http://s3cret' } }))).toBe('its proxy');
  });
});

it.each([
  ['http://hub.apps.svc.cluster.local.:5000/x', { namespace: 'apps', name: 'hub', port: 5000 }],
  ['https://hub.apps.svc', { namespace: 'apps', name: 'hub', port: 443 }],
  ['http://hub', { namespace: 'flux-system', name: 'hub', port: 80 }],
  ['http://localhost:5000', undefined],
  ['http://127.0.0.1:5000', undefined],
  ['http://[::1]:5000', undefined],
  ['http://hub.example.com', undefined],
  ['http://hub.example', undefined],
])('serviceIn %s', (address, expected) => {
  expect(serviceIn(endpoint(address), 'flux-system')).toEqual(expected);
});

describe('reachAll', () => {
  const findingOf = async (provider: ReturnType<typeof aProvider>, api = nobody, more = {}) =>
    reachFindings(await reachAll(api, [provider], { ...options, ...more }))[0];

  it('asks for the Service where its name means nothing', async () => {
    const provider = aProvider({ endpoint: { address: 'http://hub.apps.svc.cluster.local.:5000' } });
    expect(await findingOf(provider)).toMatchObject({ result: 'error', issue: { found: 'no such Service' } });
    const having = (port: number) => ({
      request: async () => ({ status: 200, body: { spec: { ports: [{ port }] } } }),
    });
    expect(await findingOf(provider, having(5000))).toMatchObject({ result: 'ok' });
    expect(await findingOf(provider, having(80))).toMatchObject({
      result: 'error',
      issue: { expected: 'the Service apps/hub with port 5000', found: 'port 80' },
    });
  });

  it('tells where nobody listens', async () => {
    receiver = await startReceiver();
    const { url } = receiver;
    await receiver.close();
    expect(await findingOf(aProvider({ endpoint: { address: url } }))).toMatchObject({
      issue: {
        code: 'unreachable',
        object: { kind: 'Provider', namespace: 'flux-system', name: 'hub' },
        path: ['spec', 'address'],
        expected: `a connection to ${url}`,
        found: 'ECONNREFUSED (probed from here)',
      },
    });
    const secret = aProvider({ endpoint: { address: url, addressIsSecret: true } });
    expect(JSON.stringify(await findingOf(secret))).not.toContain(new URL(url).port);
  });

  it('leaves alone what is suspended, and everything when told so', async () => {
    const endpoint = { address: 'http://127.0.0.1:1' };
    expect(await findingOf(aProvider({ suspend: true, endpoint }))).toMatchObject({ result: 'ok' });
    expect(await findingOf(aProvider({ endpoint }), nobody, { probe: false })).toMatchObject({ result: 'ok' });
  });
});
