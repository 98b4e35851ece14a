import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiAccess } from './access.ts';
import { inClusterAccess, isInCluster } from './in-cluster.ts';
import { kubeconfigAccess } from './kubeconfig.ts';

let folder: string;
let time: number;
const now = () => time;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-access-'));
  time = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const authorization = async (access: ApiAccess) => (await access.credentials()).headers.authorization;

describe('in a Pod', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const options = () => ({ directory: folder, env, now });
  beforeEach(() => {
    file('token', 'first\n');
    file('ca.crt', 'PEM');
    file('namespace', 'flux-system');
  });

  it('is known by its environment and its token', async () => {
    expect(await isInCluster(options())).toBe(true);
    expect(await isInCluster({ ...options(), env: {} })).toBe(false);
    expect(await isInCluster({ ...options(), directory: join(folder, 'no') })).toBe(false);
  });

  it('is the ServiceAccount', async () => {
    const access = await inClusterAccess(options());
    expect(access).toMatchObject({ server: 'https://10.0.0.1:443', namespace: 'flux-system' });
    expect(await access.credentials()).toEqual({ headers: { authorization: 'Bearer first' }, tls: { ca: 'PEM' } });
  });

  it('writes an IPv6 address in brackets', async () => {
    const access = await inClusterAccess({ ...options(), env: { ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' } });
    expect(access.server).toBe('https://[fd00::1]:443');
  });

  it('reads a token that rotated within the minute, or when the old one is refused', async () => {
    const access = await inClusterAccess(options());
    file('token', 'second');
    expect(await authorization(access)).toBe('Bearer first');
    time = 61_000;
    expect(await authorization(access)).toBe('Bearer second');
    file('token', 'third');
    access.renew();
    expect(await authorization(access)).toBe('Bearer third');
  });

  it('keeps the old token while the files are swapped', async () => {
    const access = await inClusterAccess(options());
    rmSync(join(folder, 'token'));
    access.renew();
    expect(await authorization(access)).toBe('Bearer first');
  });

  it('says what cannot be read', async () => {
    rmSync(join(folder, 'token'));
    await expect(inClusterAccess(options())).rejects.toMatchObject({
      code: 'FCE_CONFIG_INVALID',
      message: expect.stringMatching(/^ServiceAccount: ENOENT.*token/),
    });
  });
});

describe('a kubeconfig', () => {
  const kubeconfig = (user: object, cluster: object = {}) =>
    file(
      'kubeconfig',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443/', ...cluster } }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'apps' } }],
        'current-context': 'x',
      }),
    );
  const open = (path: string) => kubeconfigAccess({ file: path, now });

  it('is used as its current context says', async () => {
    const ca = Buffer.from('PEM');
    const path = kubeconfig({ token: 'secret' }, { 'certificate-authority-data': ca.toString('base64') });
    const access = await open(path);
    expect(access).toMatchObject({ server: 'https://127.0.0.1:6443', namespace: 'apps' });
    expect(await access.credentials()).toEqual({ headers: { authorization: 'Bearer secret' }, tls: { ca } });
  });

  it.each<[string, object, object]>([
    [
      'a client certificate',
      { 'client-certificate-data': 'Yw==', 'client-key-data': 'aw==' },
      { cert: Buffer.from('c'), key: Buffer.from('k') },
    ],
    ['a name and a password', { username: 'me', password: 'pw' }, {}],
  ])('with %s', async (_, user, tls) => {
    const credentials = await (await open(kubeconfig(user))).credentials();
    expect(credentials.tls).toEqual(tls);
    if ('username' in user) expect(credentials.headers.authorization).toBe(`Basic ${btoa('me:pw')}`);
  });

  it('with an exec plugin, which is asked again when its answer is refused', async () => {
    const answer = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'one' } };
    const path = file('answer.json', JSON.stringify(answer));
    const exec = { apiVersion: answer.apiVersion, command: 'cat', args: [path], interactiveMode: 'Never' };
    const access = await open(kubeconfig({ exec }));
    expect(await authorization(access)).toBe('Bearer one');
    file('answer.json', JSON.stringify({ ...answer, status: { token: 'two' } }));
    time = 61_000;
    expect(await authorization(access)).toBe('Bearer one');
    access.renew();
    expect(await authorization(access)).toBe('Bearer two');
  });

  it('with a token in a file of its own, beside it', async () => {
    mkdirSync(join(folder, 'tokens'));
    file('tokens/token', 'one\n');
    const access = await open(kubeconfig({ tokenFile: 'tokens/token' }));
    expect(await authorization(access)).toBe('Bearer one');
    file('tokens/token', 'two');
    time = 61_000;
    expect(await authorization(access)).toBe('Bearer two');
  });

  it('that changes is read again; while it is broken, the last good version is used', async () => {
    const access = await open(kubeconfig({ token: 'one' }));
    expect(await authorization(access)).toBe('Bearer one');
    file('kubeconfig', '{');
    time = 61_000;
    expect(await authorization(access)).toBe('Bearer one');
    kubeconfig({ token: 'two' });
    time = 122_000;
    expect(await authorization(access)).toBe('Bearer two');
  });

  it.each<[string, () => string, RegExp]>([
    ['that is not there', () => join(folder, 'no'), /ENOENT/],
    ['without a context', () => file('k', '{}'), /current-context: expected a cluster, found nothing/],
    [
      'with a SOCKS proxy',
      () => kubeconfig({}, { 'proxy-url': 'socks5://p:1080' }),
      /proxy-url: expected an HTTP proxy/,
    ],
  ])('%s is refused', async (_, path, message) => {
    await expect(open(path())).rejects.toMatchObject({
      code: 'FCE_CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
