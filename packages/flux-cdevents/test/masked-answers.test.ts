import { afterEach, describe, expect, it } from 'vitest';
import { createTransports } from '../src/transport/create-transports.ts';
import { startForwardProxy } from './helpers/forward-proxy.ts';
import { type Receiver, startReceiver } from './helpers/receiver.ts';
import { resolveWith, type Secrets } from './helpers/resolve.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const aReceiver = async () => {
  const receiver = await startReceiver();
  cleanups.push(() => receiver.close());
  return receiver;
};

/** The error of a delivery to a receiver that repeats this text, in the body of a refusal and in a redirect. */
async function errorsOf(receiver: Receiver, spec: object, secrets: Secrets, text: string, env = {}) {
  const provider = resolveWith(
    { metadata: { namespace: 'apps', name: 'hub' }, spec: { type: 'cdevents', ...spec } },
    secrets,
  );
  if (provider.status !== 'ready') throw new Error(JSON.stringify(provider));
  const transports = createTransports({ env });
  cleanups.push(() => transports.close());
  const send = async () => {
    const message = { kind: 'forward', body: '{}' } as const;
    const outcome = await transports.forProvider(provider).send([message], new AbortController().signal);
    return outcome.status === 'delivered' ? '' : outcome.error;
  };
  receiver.answer({ status: 400, body: `refused: ${text}.` });
  const refused = await send();
  receiver.answer({ status: 302, headers: { location: `/?${encodeURIComponent(text)}` } });
  return [refused, await send()];
}

const SECRET = 'C4n4ry/"value';
const forms: [string, (text: string) => string][] = [
  ['in clear', (text) => text],
  ['percent-encoded', encodeURIComponent],
  ['percent-encoded in lower case', (text) => encodeURIComponent(text).toLowerCase()],
  ['in Base64', (text) => Buffer.from(text).toString('base64')],
  ['in Base64 for URLs', (text) => Buffer.from(`: ${text}`).toString('base64url')],
  ['escaped for HTML', (text) => text.replaceAll('"', '&quot;').replaceAll('/', '&#x2F;')],
  ['escaped for JSON', (text) => JSON.stringify({ text })],
];

describe.each(forms)('a receiver that repeats a secret %s', (_, encode) => {
  it.each<[string, (url: string) => [spec: object, secrets: Secrets, repeated: string]]>([
    ['the path of the address', (url) => [{}, { s: { address: `${url}/hooks/C4n4ry-path` } }, '/hooks/C4n4ry-path']],
    ['the last segment of it', (url) => [{}, { s: { address: `${url}/hooks/C4n4ry-path` } }, 'C4n4ry-path']],
    ['an escaped segment', (url) => [{}, { s: { address: `${url}/hooks/C4n4ry%2fpath` } }, 'C4n4ry/path']],
    ['the query of the address', (url) => [{}, { s: { address: `${url}/?key=C4n4ry-query` } }, 'C4n4ry-query']],
    [
      'the credentials in the address',
      (url) => [{}, { s: { address: url.replace('//', '//user:C4n4ry-pass@') } }, 'user:C4n4ry-pass'],
    ],
    ['the query of spec.address', (url) => [{ address: `${url}/?key=C4n4ry-query` }, { s: {} }, 'C4n4ry-query']],
    ['the credentials in it', (url) => [{ address: url.replace('//', '//C4n4ry:pass@') }, { s: {} }, 'C4n4ry:pass']],
    ['a header', (url) => [{ address: url }, { s: { headers: JSON.stringify({ 'X-Key': SECRET }) } }, SECRET]],
    ['a token', (url) => [{ address: url }, { s: { token: SECRET } }, SECRET]],
    ['a password', (url) => [{ address: url }, { s: { username: 'u', password: `${SECRET}\n` } }, SECRET]],
    ['the key of signatures', (url) => [{ address: url }, { s: { hmacKey: SECRET } }, SECRET]],
  ])('does not make an error show %s', async (_name, scene) => {
    const receiver = await aReceiver();
    const [spec, secrets, repeated] = scene(receiver.url);
    const errors = await errorsOf(receiver, { secretRef: { name: 's' }, ...spec }, secrets, encode(repeated));
    expect(errors[0]).toMatch(/^answered 400 Bad Request: refused: .*\*{5}/);
    for (const error of errors) {
      expect(decodeURIComponent(error)).not.toMatch(/C4n4ry/i);
      expect(error).not.toContain(encode(repeated));
      expect(error).not.toContain(Buffer.from(repeated).toString('base64').slice(0, 8));
    }
  });
});

describe('a proxy', () => {
  it('that repeats credentials from the environment is masked', async () => {
    const receiver = await aReceiver();
    const proxy = await startForwardProxy({ target: receiver });
    cleanups.push(() => proxy.close());
    const env = { HTTP_PROXY: proxy.url.replace('//', '//user:C4n4ry@') };
    const spec = { address: 'http://hub.example/' };
    const [error] = await errorsOf(receiver, spec, {}, `${btoa('user:C4n4ry')} C4n4ry`, env);
    expect(error).toBe('answered 400 Bad Request: refused: *****.');
  });

  it('that a Secret names is not shown when it cannot be reached', async () => {
    const receiver = await aReceiver();
    const spec = { address: receiver.url, proxySecretRef: { name: 'p' } };
    const [error] = await errorsOf(receiver, spec, { p: { address: 'http://c4n4ry.invalid:3128' } }, '');
    expect(error).toMatch(/^the proxy: host name/);
    expect(error).not.toContain('c4n4ry');
  });
});
