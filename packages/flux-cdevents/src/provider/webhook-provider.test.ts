import { describe, expect, it } from 'vitest';
import { faultsOf, resolveWith, type Secrets } from '../../test/helpers/resolve.ts';
import { createIssue } from '../diagnostics/issue.ts';
import type { Provider } from '../flux/provider.ts';
import type { ResolvedProvider } from './provider.ts';
import { invalidProvider, secretNamesOf } from './resolve-provider.ts';

const KEY = 's3cr3t-hmac-key';
const signing: Secrets = { signing: { token: KEY } };
const hmacAuth = { how: 'hmac', key: Buffer.from(KEY) };

const aProvider = (
  spec: Partial<Provider['spec']> = {},
  annotations: Readonly<Record<string, string>> = { address: 'http://hub:5000/' },
): Provider => ({
  metadata: {
    namespace: 'apps',
    name: 'hub',
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([name, value]) => [`cdevents.toolkit.fluxcd.io/${name}`, value]),
    ),
  },
  spec: {
    type: 'generic-hmac',
    address: 'http://flux-cdevents.flux-system/webhook/apps/hub',
    secretRef: { name: 'signing' },
    ...spec,
  },
});

const resolve = (provider: Provider, secrets: Secrets = signing): ResolvedProvider => resolveWith(provider, secrets);
const issuesOf = (...args: Parameters<typeof resolve>): string[] => faultsOf(resolve(...args));

describe('an annotated Provider of the notification-controller', () => {
  it.each(['generic', 'generic-hmac'])(
    'of type %s delivers CDEvents to its annotation, for the webhook only',
    (type) => {
      const resolved = resolve(aProvider({ type, timeout: '3s', proxy: 'http://proxy:3128' }));
      expect(resolved).toMatchObject({
        status: 'ready',
        type: 'cdevents',
        webhookOnly: true,
        webhook: hmacAuth,
        endpoint: { address: 'http://hub:5000/', timeoutMs: 15_000, headers: {} },
      });
      // what the spec says is about the way to the webhook
      expect(resolved).not.toHaveProperty('endpoint.proxy');
      expect(resolved).not.toHaveProperty('endpoint.hmacKey');
      expect(resolved).not.toHaveProperty('endpoint.authorization');
    },
  );

  it('takes credentials for that address from the Secret of the annotation', () => {
    const provider = aProvider({}, { address: 'http://hub:5000/', secret: 'hub-token' });
    const secrets = { ...signing, 'hub-token': { token: 'other' } };
    expect(resolve(provider, secrets)).toMatchObject({
      endpoint: { authorization: 'Bearer other' },
      webhook: hmacAuth,
    });
    expect(secretNamesOf(provider)).toEqual(['signing', 'hub-token']);
  });

  it('has the other annotations of a cdevents Provider', () => {
    const provider = aProvider({}, { address: 'http://hub', 'spec-version': '0.5' });
    expect(resolve(provider)).toMatchObject({ options: { specVersion: '0.5' } });
  });

  it.each<[string, Provider, Secrets, string[]]>([
    [
      'no Secret',
      aProvider({}, { address: 'http://hub', secret: 'no' }),
      signing,
      [
        'metadata.annotations[cdevents.toolkit.fluxcd.io/secret]: expected the name of a Secret in namespace apps, found "no", which does not exist or cannot be read',
      ],
    ],
    [
      'no URL, told once',
      aProvider({}, { address: 'hub' }),
      signing,
      ['metadata.annotations[cdevents.toolkit.fluxcd.io/address]: expected an absolute http or https URL, found "hub"'],
    ],
    [
      'no key',
      aProvider(),
      {},
      ['spec.secretRef: expected a Secret with the HMAC key as token, found none that can be read'],
    ],
    [
      'an empty key',
      aProvider(),
      { signing: { token: '' } },
      ['spec.secretRef: expected a Secret with the HMAC key as token, found none that can be read'],
    ],
  ])('says what is wrong: %s', (_, provider, secrets, issues) => {
    expect(issuesOf(provider, secrets)).toEqual(issues);
    expect(resolve(provider, secrets)).toMatchObject({ type: 'cdevents', webhookOnly: true });
  });

  it('that says something wrong still checks signatures, so that its events can wait', () => {
    expect(resolve(aProvider({}, { address: 'http://hub', preset: 'x' }))).toMatchObject({
      status: 'invalid',
      webhook: hmacAuth,
    });
  });

  it('needs no key when no signature is required', () => {
    const provider = aProvider({ type: 'generic' }, { address: 'http://hub', 'webhook-auth': 'none' });
    expect(resolve(provider, {})).toMatchObject({ status: 'ready', webhook: { how: 'none' } });
  });

  it('is for the webhook even if it cannot be read', () => {
    const { metadata } = aProvider();
    const document = { metadata, spec: { type: 'generic', timeout: 5 } };
    const issues = [createIssue('invalid-value', ['spec', 'timeout'], 'x', 'y')];
    expect(invalidProvider(document, issues)).toMatchObject({ status: 'invalid', webhookOnly: true });
    expect(invalidProvider({ ...document, metadata: { name: 'hub' } }, issues)).not.toHaveProperty('webhookOnly');
  });
});

describe('every other Provider', () => {
  it.each(['cdevents', 'generic', 'generic-hmac'])('of type %s has the key of its Secret', (type) => {
    const resolved = resolve(aProvider({ type }, {}));
    expect(resolved).toMatchObject({ status: 'ready', type, webhook: hmacAuth });
    expect(resolved).not.toHaveProperty('webhookOnly');
  });

  it('has none without a Secret, which is not an issue', () => {
    const { secretRef: _, ...spec } = aProvider({ type: 'cdevents' }, {}).spec;
    const resolved = resolve({ ...aProvider({}, {}), spec });
    expect(resolved).toMatchObject({ status: 'ready' });
    expect(resolved).not.toHaveProperty('webhook');
  });
});

it('keeps Transports over a change of the key', () => {
  const fingerprint = (secrets: Secrets) => {
    const resolved = resolve(aProvider(), secrets);
    return resolved.status === 'ready' && resolved.fingerprint;
  };
  expect(fingerprint(signing)).toBe(fingerprint({ signing: { token: 'new' } }));
});
