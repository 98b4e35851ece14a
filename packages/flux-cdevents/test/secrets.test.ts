import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { type Addresses, type App, createApp } from '../src/app.ts';
import { createCheckCommand } from '../src/commands/check.ts';
import { createDeliveriesCommand } from '../src/commands/deliveries.ts';
import { createSendCommand } from '../src/commands/send.ts';
import type { DeliveryPage } from '../src/http/api-types.ts';
import { createLogger, type LogEncoding } from '../src/observe/log.ts';
import { resolveServeOptions } from '../src/options/serve-options.ts';
import { plain, runCommand } from './helpers/command-io.ts';
import { type FakeApiServer, startFakeApiServer } from './helpers/fake-api-server.ts';
import { aFluxEvent } from './helpers/flux-events.ts';
import {
  anAlertObject,
  aProviderObject,
  aSecretObject,
  NAMESPACE,
  serveNotification,
} from './helpers/notification-objects.ts';
import { type Receiver, type ReceiverAnswer, startReceiver } from './helpers/receiver.ts';
import { serveDefaults } from './helpers/running-app.ts';

/*
 * A canary stands in every place where a secret can stand. Receivers repeat what they got, in every form that is usual, addresses
 * are malformed, connections fail. Then all that the product shows is searched for the canaries.
 */

/** Eight characters that stand nowhere else, and some that every encoding writes differently. */
const aCanary = (): string => `${randomBytes(16).toString('hex').slice(0, 8).replace(/^./, 'k')}/x+y=~Zq9`;

const percent = (text: string, digits: (hex: string) => string = (hex) => hex): string =>
  [...Buffer.from(text)].map((byte) => `%${digits(byte.toString(16).padStart(2, '0'))}`).join('');

/** How a receiver may repeat a secret. */
const FORMS: Readonly<Record<string, (secret: string) => string>> = {
  clear: (secret) => secret,
  'percent-encoded': encodeURIComponent,
  'percent-encoded in lower case': (secret) => encodeURIComponent(secret).replace(/%../g, (hex) => hex.toLowerCase()),
  'percent-encoded throughout': (secret) => percent(secret),
  Base64: (secret) => Buffer.from(secret).toString('base64'),
  'Base64 for URLs': (secret) => Buffer.from(secret).toString('base64url'),
  'its start': (secret) => secret.slice(0, 10),
};

/** Whether eight characters of a secret stand in a text, in any form. */
function shows(text: string, secret: string): boolean {
  const start = secret.slice(0, 8);
  const inBase64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.from(`${'.'.repeat(before)}${secret}`).toString('base64');
    return encoded.slice(Math.ceil((before * 8) / 6), Math.ceil((before * 8) / 6) + 9);
  });
  const inPercent = [percent(start), percent(start, (hex) => hex.toUpperCase())];
  return [start, ...inBase64, ...inPercent].some((form) => text.includes(form));
}

/** One canary for each place. */
const CANARIES = [
  'address: user',
  'address: password',
  'address: path',
  'address: query',
  'address: host',
  'token',
  'username',
  'password',
  'a header',
  'a header with credentials',
  'HMAC key',
  'key of a signature',
  'key of a webhook',
  'token behind a webhook',
  'TLS key',
  'proxy: user of the address',
  'proxy: password of the address',
  'proxy: username',
  'proxy: password',
  'proxy of the Secret',
  'malformed address',
  'malformed address: password',
  'malformed address: query',
  'malformed proxy',
  'malformed headers',
  'spec.address: password',
  'spec.address: query',
  'malformed spec.address: password',
  'malformed spec.address: query',
  'token of the API',
  'token of the event endpoint',
  'token of the kubeconfig',
  'client key of the kubeconfig',
  'reconcile token',
] as const;
type Canary = (typeof CANARIES)[number];

/** All that the product shows, by place. */
type Shown = Map<string, string>;

describe.each<LogEncoding>(['json', 'console'])('with logs as %s', (encoding) => {
  let api: FakeApiServer;
  let folder: string;
  let app: App | undefined;
  let logs: string;
  let addresses: Addresses;
  let secrets: Record<Canary, string>;
  const receivers: Receiver[] = [];

  const receiver = async (answer: ReceiverAnswer): Promise<Receiver> => {
    const started = await startReceiver({ answer });
    receivers.push(started);
    return started;
  };
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const encoded = (name: Canary): string => encodeURIComponent(secrets[name]);
  const hostOf = ({ port }: Receiver): string => `127.0.0.1:${port}`;

  beforeEach(async () => {
    secrets = Object.fromEntries(CANARIES.map((name) => [name, aCanary()])) as Record<Canary, string>;
    logs = '';
    folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-secrets-'));
    api = await startFakeApiServer();
    serveNotification(api);
  });
  afterEach(async () => {
    await app?.stop();
    app = undefined;
    await Promise.all(receivers.splice(0).map((one) => one.close()));
    await api.close();
    rmSync(folder, { recursive: true });
  });

  async function start(): Promise<void> {
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server: api.url, 'insecure-skip-tls-verify': true } }],
      users: [
        {
          name: 'test',
          user: {
            token: secrets['token of the kubeconfig'],
            'client-key-data': Buffer.from(secrets['client key of the kubeconfig']).toString('base64'),
          },
        },
      ],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: NAMESPACE } }],
    };
    const { config: _, ...defaults } = serveDefaults(folder);
    const options = resolveServeOptions({
      ...defaults,
      kubeconfig: file('kubeconfig', JSON.stringify(kubeconfig)),
      uiTokenFile: file('ui-token', secrets['token of the API']),
      eventsAuth: `bearer-file:${file('events-token', secrets['token of the event endpoint'])}`,
    });
    const write = (line: string) => {
      logs += line;
    };
    app = createApp(options, createLogger({ level: 'debug', encoding }, { write }));
    addresses = await app.start();
  }

  const call = async (path: string, body?: object): Promise<string> => {
    const response = await fetch(`${addresses.ui}/api/v1${path}`, {
      headers: {
        authorization: `Bearer ${secrets['token of the API']}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    return `${response.status} ${[...response.headers].join(' ')}\n${await response.text()}`;
  };
  const page = async (query = ''): Promise<DeliveryPage['entries']> => {
    const answer = await call(`/deliveries?limit=500${query}`);
    return (JSON.parse(answer.slice(answer.indexOf('\n'))) as DeliveryPage).entries;
  };
  const send = (provider: string): Promise<string> => call(`/providers/${NAMESPACE}/${provider}/send`, {});

  /** Lets the receiver of a Provider repeat secrets in every form and part of the answer. */
  async function repeat(provider: string, from: Receiver, names: readonly Canary[]): Promise<void> {
    const answers = names.flatMap((name) =>
      Object.values(FORMS).flatMap((form): ReceiverAnswer[] => {
        const text = form(secrets[name]);
        return [
          { status: 400, body: `no: ${text}` },
          { status: 302, headers: { location: `http://elsewhere.example/?was=${text}` } },
          { status: 422, statusText: text },
        ];
      }),
    );
    const first = names[0] ?? 'token';
    from.next(...answers, { status: 401, body: `who is ${secrets[first]}?` });
    for (const _ of [...answers, 'the last']) await send(provider);
    await from.received(answers.length + 1);
    await vi.waitFor(
      async () => {
        const waiting = (await page(`&provider=${NAMESPACE}/${provider}`)).filter(({ lastError }) => !lastError);
        expect(waiting).toEqual([]);
      },
      { timeout: 10_000 },
    );
  }

  /** Everything that can be read anywhere. */
  async function everything(): Promise<Shown> {
    const shown: Shown = new Map();
    const entries = await page();
    const cli = async (create: Parameters<typeof runCommand>[0], argv: readonly string[]) => {
      const { stdout, stderr } = await runCommand(create, argv);
      return stdout + stderr;
    };
    const client = ['--server', addresses.ui, '--token-file', join(folder, 'ui-token')];
    const paths = ['/deliveries?limit=500', '/providers', '/alerts', '/problems', '/openapi.json', '/nothing'];
    shown.set('API', (await Promise.all(paths.map((path) => call(path)))).join('\n'));
    shown.set('API: one entry', (await Promise.all(entries.map(({ id }) => call(`/deliveries/${id}`)))).join('\n'));
    shown.set(
      'deliveries',
      (await cli(createDeliveriesCommand, ['list', '--limit', '0', ...client])) +
        (await cli(createDeliveriesCommand, ['list', '--limit', '0', '--json', ...client])) +
        (await cli(createDeliveriesCommand, ['show', entries[0]?.id ?? '', ...client])),
    );
    const stored = ['Provider', 'Secret', 'Alert']
      .flatMap((kind) => api.stored(kind))
      .map((object) => `---\n${stringify(object)}`)
      .join('');
    let sent = '';
    for (const { name } of api.stored('Provider').map(({ metadata }) => metadata)) {
      sent += await cli(createSendCommand, ['--provider', `${NAMESPACE}/${name}`, ...client]);
    }
    shown.set('send', sent);
    shown.set(
      'check',
      (await cli(createCheckCommand, ['--kubeconfig', join(folder, 'kubeconfig'), '--namespace', NAMESPACE])) +
        (await cli(createCheckCommand, ['--kubeconfig', join(folder, 'kubeconfig'), '--json'])) +
        (await cli(createCheckCommand, [file('all.yaml', stored)])),
    );
    shown.set('metrics', await (await fetch(`${addresses.metrics}/metrics`)).text());
    shown.set('health', await (await fetch(`${addresses.health}/readyz`)).text());
    const events = api.requests.filter(({ path }) => path.includes('/events'));
    shown.set('Kubernetes Events', JSON.stringify(events.map(({ body }) => body)));
    shown.set('logs', plain(logs));
    return shown;
  }

  it('no canary is shown anywhere', { timeout: 120_000 }, async () => {
    const provider = (name: string, secret: Readonly<Record<string, string>>, spec: object = {}, annotations = {}) => {
      api.put(aSecretObject(`${name}-secret`, secret));
      api.put(
        aProviderObject(name, { address: undefined, secretRef: { name: `${name}-secret` }, ...spec }, annotations),
      );
    };
    const [full, basic, headers, signed, behind, spec] = [
      await receiver(202),
      await receiver(202),
      await receiver(202),
      await receiver(202),
      await receiver(202),
      await receiver(202),
    ];
    const userinfo = `${encoded('address: user')}:${encoded('address: password')}`;
    const bearer = `Bearer ${secrets['a header with credentials']}`;
    provider('full', {
      address: `http://${userinfo}@${hostOf(full)}/${encoded('address: path')}?key=${encoded('address: query')}`,
      token: secrets.token,
      headers: stringify({ 'X-Key': secrets['a header'] }),
      hmacKey: secrets['HMAC key'],
    });
    provider('basic', {
      address: basic.url,
      username: secrets.username,
      password: secrets.password,
    });
    provider('headers', { address: headers.url, headers: stringify({ Authorization: bearer }) });
    provider('signed', { address: signed.url, token: secrets['key of a signature'] }, { type: 'generic-hmac' });
    api.put(aSecretObject('webhook-receiver', { token: secrets['token behind a webhook'] }));
    provider(
      'webhook',
      { token: secrets['key of a webhook'] },
      { type: 'generic-hmac', address: 'http://127.0.0.1:1' },
      {
        'cdevents.toolkit.fluxcd.io/address': behind.url,
        'cdevents.toolkit.fluxcd.io/secret': 'webhook-receiver',
      },
    );
    api.put(
      aProviderObject('in-the-spec', {
        address: `http://me:${encoded('spec.address: password')}@${hostOf(spec)}/?key=${encoded('spec.address: query')}`,
      }),
    );

    // what fails before an answer
    provider('closed', {
      address: `http://${userinfo}@127.0.0.1:1/${encoded('address: path')}?key=${encoded('address: query')}`,
      token: secrets.token,
    });
    provider('no-host', { address: `http://${secrets['address: host'].slice(0, 8)}.invalid/` });
    const proxy = await receiver({ status: 407, body: secrets['proxy: password'] });
    const proxyUserinfo = `${encoded('proxy: user of the address')}:${encoded('proxy: password of the address')}`;
    for (const [name, host] of [
      ['refused', hostOf(proxy)],
      ['no-proxy', '127.0.0.1:1'],
    ]) {
      const { 'proxy: username': username, 'proxy: password': password } = secrets;
      api.put(aSecretObject(`${name}-proxy`, { address: `http://${proxyUserinfo}@${host}`, username, password }));
      provider(`${name}-http`, { address: 'http://hub.example/' }, { proxySecretRef: { name: `${name}-proxy` } });
      provider(`${name}-https`, { address: 'https://hub.example/' }, { proxySecretRef: { name: `${name}-proxy` } });
    }
    provider('old-proxy', {
      address: 'http://hub.example/',
      proxy: `http://me:${encoded('proxy of the Secret')}@127.0.0.1:1`,
    });
    api.put(
      aSecretObject('tls', {
        'ca.crt': 'no certificate',
        'tls.crt': 'no certificate',
        'tls.key': `-----BEGIN PRIVATE KEY-----\n${secrets['TLS key']}\n-----END PRIVATE KEY-----\n`,
      }),
    );
    provider('tls', { address: 'https://127.0.0.1:1' }, { certSecretRef: { name: 'tls' } });

    // what cannot be read
    const [secret, password, query] = [
      secrets['malformed address'],
      secrets['malformed address: password'],
      secrets['malformed address: query'],
    ];
    const [specPassword, specQuery] = [
      secrets['malformed spec.address: password'],
      secrets['malformed spec.address: query'],
    ];
    const malformed = [
      (one: string, pass: string, key: string) => `http://me:${pass}@hub.example:port/${one}?key=${key}`,
      (one: string, pass: string, key: string) => `http://me:${pass}@[hub/?${one}=${key}`,
      (one: string, pass: string, key: string) => `me:${pass}@hub.example/${one}?key=${key}`,
      (one: string, pass: string, key: string) => `${one.slice(0, 8)}://me:${pass}@hub.example/?key=${key}`,
      (one: string, pass: string, key: string) => `http://me:${pass}@hub.example/ ${one}?key=${key}`,
      (one: string, _: string, key: string) => `hub.example/${one}?key=${key}`,
    ];
    for (const [index, write] of malformed.entries()) {
      provider(`malformed-${index}`, { address: write(secret, password, query) });
      api.put(aProviderObject(`malformed-spec-${index}`, { address: write('path-path', specPassword, specQuery) }));
      const proxied = { address: 'http://hub.example/', proxy: write(secrets['malformed proxy'], password, query) };
      provider(`malformed-proxy-${index}`, proxied);
    }
    provider('malformed-headers-1', { address: 'http://hub.example/', headers: `- ${secrets['malformed headers']}` });
    provider('malformed-headers-2', {
      address: 'http://hub.example/',
      headers: `"${secrets['malformed headers']}": "${secrets['malformed headers']}"`,
    });
    provider('malformed-headers-3', {
      address: 'http://hub.example/',
      headers: `${secrets['malformed headers']}: {a: [`,
    });
    provider('token-with-breaks', { address: 'http://hub.example/', token: `${secrets.token}\n${secrets.token}` });
    api.put(anAlertObject('all', { providerRef: { name: 'signed' } }));
    await start();

    // the event endpoint and the webhook
    const reconciled = aFluxEvent({ metadata: { 'helm.toolkit.fluxcd.io/token': secrets['reconcile token'] } });
    const post = (path: string, body: string, headers: Record<string, string>) =>
      fetch(`${addresses.events}${path}`, { method: 'POST', body, headers });
    const eventsToken = secrets['token of the event endpoint'];
    expect((await post('/', JSON.stringify(reconciled), { authorization: `Bearer ${eventsToken}` })).status).toBe(202);
    await signed.received(1);
    const notAnEvent = `{"token": x"${secrets['reconcile token']}"}`;
    expect((await post('/', notAnEvent, { authorization: `Bearer ${eventsToken}` })).status).toBe(400);
    expect((await post('/', '{}', { authorization: `Bearer ${eventsToken}x` })).status).toBe(401);
    const signature = { 'x-signature': `sha256=${secrets['key of a webhook']}` };
    expect((await post(`/webhook/${NAMESPACE}/webhook`, '{}', signature)).status).toBe(401);
    const wrong = { authorization: `Bearer ${secrets['token of the API']}x` };
    expect((await fetch(`${addresses.ui}/api/v1/deliveries`, { headers: wrong })).status).toBe(401);

    const ofFull: Canary[] = ['address: user', 'address: password', 'address: path', 'address: query', 'token'];
    await Promise.all([
      repeat('full', full, [...ofFull, 'a header', 'HMAC key']),
      repeat('basic', basic, ['username', 'password']),
      repeat('headers', headers, ['a header with credentials']),
      repeat('webhook', behind, ['token behind a webhook']),
      repeat('in-the-spec', spec, ['spec.address: password', 'spec.address: query']),
    ]);
    const failing = [
      'closed',
      'no-host',
      'refused-http',
      'refused-https',
      'no-proxy-http',
      'no-proxy-https',
      'old-proxy',
    ];
    for (const name of failing) await send(name);
    await vi.waitFor(
      async () => {
        for (const name of failing) {
          expect((await page(`&provider=${NAMESPACE}/${name}`)).map(({ attempts }) => attempts > 0)).toContain(true);
        }
      },
      { timeout: 20_000 },
    );

    // the receivers did get the canaries
    const gotten = JSON.stringify(receivers.flatMap(({ requests }) => requests));
    for (const name of [...ofFull.slice(2), 'a header', 'spec.address: query'] as const) {
      expect([name, shows(gotten, secrets[name])]).toEqual([name, true]);
    }

    const shown = await everything();
    expect(shown.get('logs')).toContain('*****');
    expect(shown.get('Kubernetes Events')).toContain('NotificationDispatchFailed');
    const table = CANARIES.map((name) => ({
      canary: name,
      ...Object.fromEntries([...shown].map(([place, text]) => [place, shows(text, secrets[name]) ? 'SHOWN' : '-'])),
    }));
    if (process.env.CANARY_TABLE)
      process.stdout.write(`${table.map((row) => Object.values(row).join('\t')).join('\n')}\n`);
    const leaks = CANARIES.flatMap((name) =>
      [...shown].flatMap(([place, text]) => {
        const line = text.split(/\n|","/).find((one) => shows(one, secrets[name]));
        return line === undefined ? [] : [`${name} in ${place}: ${line.slice(0, 300)}`];
      }),
    );
    expect(leaks).toEqual([]);
  });
});

it.each([
  ['an alias', (canary: string) => `  token: *${canary}`],
  ['a block', (canary: string) => `  token: |${canary}`],
  ['a folded block', (canary: string) => `  token: >${canary}`],
  ['a tab', (canary: string) => `\ttoken: ${canary}`],
  ['a colon', (canary: string) => `  token: token: ${canary}`],
  ['a quote', (canary: string) => `  token: "${canary}`],
  ['an escape', (canary: string) => `  token: "\\q${canary}"`],
  ['a reserved character', (canary: string) => `  token: @${canary}`],
  ['the same key twice', (canary: string) => `  ${canary}: 1\n  ${canary}: 2`],
  ['a list', (canary: string) => `  token: [${canary}]`],
  ['a text in place of a map', (canary: string) => `  ${canary}`],
])('a Secret in a file with a mistake: %s', async (_, write) => {
  const canary = aCanary();
  const folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-secrets-'));
  const head = 'apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: apps}\nstringData:\n';
  writeFileSync(join(folder, 'secret.yaml'), `${head}${write(canary)}\n`);
  const { stdout, stderr } = await runCommand(createCheckCommand, [folder]);
  rmSync(folder, { recursive: true });
  expect(stdout).toMatch(/^secret\.yaml:\d+: /);
  expect(shows(stdout + stderr, canary), stdout + stderr).toBe(false);
});

describe('credentials of a kubeconfig', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-secrets-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const exec = (script: string) => ({
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      interactiveMode: 'Never',
    },
  });
  const answer = (status: object) =>
    `console.log(${JSON.stringify(JSON.stringify({ kind: 'ExecCredential', status }))})`;

  it.each<[string, (canary: string) => object]>([
    ['a token that no header can hold', (canary) => ({ token: `${canary}\nx` })],
    ['a password', (canary) => ({ username: 'me', password: canary })],
    ['a key that is none', (canary) => ({ 'client-key-data': btoa(canary), 'client-certificate-data': btoa(canary) })],
    ['a token of a plugin', (canary) => exec(answer({ token: canary }))],
    ['a token of a plugin that no header can hold', (canary) => exec(answer({ token: `${canary}\nx` }))],
    ['an answer of a plugin that is not JSON', (canary) => exec(`console.log('{"token": "${canary}"')`)],
    ['an answer of a plugin that is cut off', (canary) => exec(`console.log('${canary}')`)],
    ['an answer of a plugin that fails', (canary) => exec(`console.log('${canary}'); process.exit(1)`)],
  ])('%s', async (_, user) => {
    const canary = aCanary();
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server: 'https://127.0.0.1:1', 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'test', user: user(canary) }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    };
    const path = join(folder, 'kubeconfig');
    writeFileSync(path, JSON.stringify(kubeconfig));
    const { code, stdout, stderr } = await runCommand(createCheckCommand, ['--kubeconfig', path]);
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/API server|kubeconfig/);
    expect(shows(stdout + stderr, canary), stdout + stderr).toBe(false);
  });

  it.each([
    ['a tab', (canary: string) => `users:\n- name: a\n  user:\n\t  token: ${canary}\n`],
    ['a bracket', (canary: string) => `users: [{name: a, user: {token: ${canary}}\nclusters: ]`],
    ['a colon', (canary: string) => `users:\n- name: a\n  user: token: ${canary}\n`],
    ['a quote', (canary: string) => `token: "${canary}`],
    ['the same key twice', (canary: string) => `a: 1\n${canary}: 1\n${canary}: 2\n`],
  ])('a file with a mistake: %s', async (_, write) => {
    const canary = aCanary();
    const path = join(folder, 'kubeconfig');
    writeFileSync(path, write(canary));
    const { code, stdout, stderr } = await runCommand(createCheckCommand, ['--kubeconfig', path]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/FCE_CONFIG_INVALID: \S+kubeconfig: /);
    expect(shows(stderr, canary), stderr).toBe(false);
  });
});
