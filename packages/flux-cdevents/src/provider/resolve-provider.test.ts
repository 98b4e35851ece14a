import { beforeAll, describe, expect, it } from 'vitest';
import { type CertificateAuthority, createAuthority } from '../../test/helpers/certificates.ts';
import { faultsOf, resolveWith, type Secrets } from '../../test/helpers/resolve.ts';
import { formatFault } from '../diagnostics/format.ts';
import { createIssue } from '../diagnostics/issue.ts';
import type { Provider } from '../flux/provider.ts';
import type { Endpoint, ReadyProvider } from './provider.ts';
import { invalidProvider, secretNamesOf } from './resolve-provider.ts';

type Spec = Partial<Provider['spec']>;

const aProvider = (spec: Spec = {}, annotations?: Readonly<Record<string, string>>): Provider => ({
  metadata: { namespace: 'flux-system', name: 'hub', ...(annotations && { annotations }) },
  spec: { type: 'cdevents', address: 'http://sink:5000/', ...spec },
});

function ready(spec: Spec, secrets: Secrets = {}): ReadyProvider {
  const resolved = resolveWith(aProvider(spec), secrets);
  if (resolved.status === 'ready') return resolved;
  throw new Error(resolved.status === 'invalid' ? resolved.issues.map(formatFault).join('\n') : 'foreign');
}

/** The endpoint for a Provider whose `secretRef` has this data. */
const withSecret = (data: Secrets[string], spec: Spec = {}): Endpoint =>
  ready({ secretRef: { name: 's' }, ...spec }, { s: data }).endpoint;

const issuesOf = (provider: Provider, secrets: Secrets = {}): string[] => faultsOf(resolveWith(provider, secrets));

const issuesWith = (data: Secrets[string], spec: Spec = {}): string[] =>
  issuesOf(aProvider({ secretRef: { name: 's' }, ...spec }), { s: data });

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('a Provider', () => {
  it('of the least kind is ready', () => {
    expect(resolveWith(aProvider())).toEqual({
      status: 'ready',
      ref: { namespace: 'flux-system', name: 'hub' },
      type: 'cdevents',
      suspend: false,
      options: expect.objectContaining({ preset: 'rfc' }),
      endpoint: { address: 'http://sink:5000/', addressIsSecret: false, timeoutMs: 15_000, headers: {}, secrets: [] },
      fingerprint: expect.stringMatching(/^[\w-]{43}$/),
    });
  });

  it('of another type is foreign, whatever else it says', () => {
    expect(resolveWith(aProvider({ type: 'slack', address: 'x', secretRef: { name: 'no' } }))).toEqual({
      status: 'foreign',
      ref: { namespace: 'flux-system', name: 'hub' },
      type: 'slack',
    });
  });

  it('that is wrong names every issue at once', () => {
    const provider = aProvider(
      { address: 'sink', timeout: '0s', certSecretRef: { name: 'tls' }, suspend: true },
      { 'cdevents.toolkit.fluxcd.io/preset': 'x' },
    );
    expect(resolveWith(provider)).toMatchObject({ status: 'invalid', type: 'cdevents', suspend: true });
    expect(issuesOf(provider)).toEqual([
      'metadata.annotations[cdevents.toolkit.fluxcd.io/preset]: expected rfc, service or none, found "x"',
      'spec.certSecretRef.name: expected the name of a Secret in namespace flux-system, ' +
        'found "tls", which does not exist or cannot be read',
      'spec.address: expected an absolute http or https URL, found "sink"',
      'spec.timeout: expected a duration over 0 such as 1m30s, found "0s"',
    ]);
  });

  it('without its Secret is not blamed for the rest', () => {
    const secretRef = { name: 's' };
    const { address: _, ...spec } = aProvider({ secretRef }).spec;
    for (const type of ['cdevents', 'generic-hmac']) {
      expect(issuesOf({ ...aProvider(), spec: { ...spec, type } })).toEqual([
        expect.stringMatching(/^spec\.secretRef\.name: .* "s", which does not exist/),
      ]);
    }
  });

  it('names the Secrets that it needs', () => {
    const [a, b] = [{ name: 'a' }, { name: 'b' }];
    expect(secretNamesOf(aProvider({ secretRef: a, certSecretRef: b, proxySecretRef: a }))).toEqual(['a', 'b']);
  });

  it('that cannot be read stays in place, also when not even its type can be read', () => {
    const metadata = { name: 'hub', namespace: 'apps' };
    const issues = [createIssue('invalid-value', ['spec', 'timeout'], 'a', 'b')];
    const ref = { namespace: 'apps', name: 'hub' };
    expect(invalidProvider({ metadata, spec: { type: 'cdevents', suspend: true } }, issues)).toEqual({
      status: 'invalid',
      ref,
      type: 'cdevents',
      suspend: true,
      issues: issues.map((issue) => ({ ...issue, object: { kind: 'Provider', ...ref } })),
    });
    expect(invalidProvider({ metadata, spec: { type: 'slack' } }, issues)).toEqual({
      status: 'foreign',
      ref,
      type: 'slack',
    });
    for (const spec of [{}, { type: 5 }, undefined]) {
      expect(invalidProvider({ metadata, spec }, issues)).toMatchObject({ status: 'invalid', ref, type: 'cdevents' });
    }
    expect(invalidProvider({ spec: { type: 'cdevents' } }, issues)).toBeUndefined();
    expect(invalidProvider(null, issues)).toBeUndefined();
  });
});

describe('the address', () => {
  it.each([
    ['http://10.100.0.17:5000', 'http://10.100.0.17:5000'],
    ['HTTPS://sink.example.com/a?b=c', 'HTTPS://sink.example.com/a?b=c'],
    ['http://[::1]:80/x', 'http://[::1]:80/x'],
  ])('%s is taken as it is written', (address, expected) => expect(ready({ address }).endpoint.address).toBe(expected));

  it.each([
    ['ftp://sink', 'an absolute http or https URL, found ftp://…'],
    ['sink:5000', 'an absolute http or https URL, found "sink:5000"'],
    ['/cdevents', 'an absolute http or https URL, found "/cdevents"'],
    ['http:/sink', 'an absolute http or https URL, found "http:/sink"'],
    ['http://', 'an absolute http or https URL, found "http://"'],
    ['http://a b/', 'an absolute http or https URL, found "http://a b/"'],
    ['http://sink:99999/', 'an absolute http or https URL, found "http://sink:99999/"'],
    ['http://user:pass@sink:99999/', 'an absolute http or https URL, found "http://*****@sink:99999/"'],
    ['user:p@ss@sink', 'an absolute http or https URL, found "*****@sink"'],
    ['http:/user:pass@sink', 'an absolute http or https URL, found "http:/*****@sink"'],
    ['http://sink:99999/a?token=s3cret#s3cret', 'an absolute http or https URL, found "http://sink:99999/a?*****"'],
    ['sink/a?token=s3cret', 'an absolute http or https URL, found "sink/a?*****"'],
    ['http://sink:99999/?to=s3cret@x', 'an absolute http or https URL, found "http://*****"'],
    ['http://user:pa?ss@sink:99999/', 'an absolute http or https URL, found "http://*****"'],
    [`http://sink/${'x'.repeat(2048)}`, 'at most 2,048 bytes, found 2,060 bytes'],
  ])('%j is an issue', (address, message) =>
    expect(issuesOf(aProvider({ address }))).toEqual([`spec.address: expected ${message}`]),
  );

  it('has to be somewhere', () => {
    const { address: _, ...spec } = aProvider().spec;
    expect(issuesOf({ ...aProvider(), spec })).toEqual([
      'spec.address: expected an absolute http or https URL, here or as address of the Secret, found nothing',
    ]);
  });

  it('of the Secret wins, is trimmed, and is not to be shown', () => {
    const endpoint = withSecret({ address: ' https://sink.example.com/hooks/T0KEN?k=v \n' });
    expect(endpoint).toMatchObject({ address: 'https://sink.example.com/hooks/T0KEN?k=v', addressIsSecret: true });
    expect(endpoint.secrets).toEqual(
      expect.arrayContaining([
        'sink.example.com/hooks/T0KEN?k=v',
        'sink.example.com',
        '/hooks/T0KEN',
        'hooks',
        'T0KEN',
        'k=v',
        'v',
      ]),
    );
  });

  it.each([
    ['', 'an absolute http or https URL, found nothing'],
    ['https//s3cret', 'an absolute http or https URL, found 13 bytes'],
    ['s3cret://sink', 'an absolute http or https URL, found 13 bytes'],
    [`https://s3cret/${'x'.repeat(2085)}`, 'at most 2,048 bytes, found 2,100 bytes'],
    [Buffer.from([0xff, 0xfe]), 'text in UTF-8, found 2 bytes of something else'],
  ])('%j in the Secret is an issue that does not show it', (address, message) =>
    expect(issuesWith({ address })[0]).toBe(`Secret s: address: expected ${message}`),
  );

  it('gives its credentials to Basic and keeps none', () => {
    const { address, authorization, secrets } = ready({ address: 'http://flux:p%40ss@sink:5000/x' }).endpoint;
    expect({ address, authorization }).toEqual({
      address: 'http://sink:5000/x',
      authorization: basic('flux:p@ss'),
    });
    expect(secrets).toEqual(expect.arrayContaining(['flux:p%40ss', 'flux:p@ss', 'p%40ss', 'p@ss', 'Zmx1eDpwQHNz']));
  });
});

describe('the timeout', () => {
  it.each([
    [undefined, 15_000],
    ['1m30s', 90_000],
    ['250ms', 250],
    ['99999999m', 2 ** 31 - 1], // what a timer can hold
  ])('%s is %d ms', (timeout, ms) => expect(ready(timeout ? { timeout } : {}).endpoint.timeoutMs).toBe(ms));
});

describe('credentials', () => {
  it.each<[string, Secrets[string], Spec, string | undefined]>([
    ['token', { token: 'abc' }, {}, 'Bearer abc'],
    ['user name and password', { username: 'u', password: 'p' }, {}, basic('u:p')],
    ['password with the user name of the spec', { password: 'p' }, { username: 'u' }, basic('u:p')],
    ['the user name of the Secret first', { username: 'u', password: 'p' }, { username: 'x' }, basic('u:p')],
    ['an empty password', { username: 'u', password: '' }, {}, basic('u:')],
    ['token before password', { token: 'abc', username: 'u', password: 'p' }, {}, 'Bearer abc'],
    ['those of the Secret before those of the URL', { token: 'abc' }, { address: 'http://u:p@s' }, 'Bearer abc'],
    ['an explicit header first', { token: 'abc', headers: 'AUTHORIZATION: Custom x' }, {}, undefined],
    ['nothing of a generic Provider', { token: 'abc', username: 'u', password: 'p' }, { type: 'generic' }, undefined],
    ['nothing of a generic-hmac Provider', { token: 'abc' }, { type: 'generic-hmac' }, undefined],
    ['nothing from a user name of the spec alone', {}, { username: 'u' }, undefined],
    ['a token without the line breaks at its end', { token: 'abc\r\n\n' }, {}, 'Bearer abc'],
    ['a user name and a password without them', { username: 'u\n', password: 'p\r\n' }, {}, basic('u:p')],
    ['other white space of a password', { username: 'u', password: '\tp \n' }, {}, basic('u:\tp ')],
  ])('send %s', (_, data, spec, authorization) => expect(withSecret(data, spec).authorization).toBe(authorization));

  it.each<[string, Secrets[string], string[]]>([
    ['password alone', { password: 'x' }, ['username: expected a user name next to password, found nothing']],
    ['user name alone', { username: 'x' }, ['password: expected a password next to username, found nothing']],
    [
      'a user name with a colon',
      { username: 'a:b', password: 'x' },
      ['username: expected a user name without a colon, found one with a colon'],
    ],
    ['an empty token', { token: '' }, ['token: expected a token, found nothing']],
    ['a token of white space', { token: ' \n' }, ['token: expected a token, found only white space']],
    ['a token of line breaks', { token: '\r\n\n' }, ['token: expected a token, found nothing']],
    [
      'a token with a line break inside',
      { token: 's3\ncret\n' },
      ['token: expected one line of printable ASCII, found 7 bytes'],
    ],
    [
      'a token that HTTP cannot carry',
      { token: 'geheim-ü' },
      ['token: expected one line of printable ASCII, found 9 bytes'],
    ],
    [
      'a binary token',
      { token: Buffer.from([0xff]) },
      ['token: expected text in UTF-8, found 1 byte of something else'],
    ],
  ])('are an issue: %s', (_, data, messages) =>
    expect(issuesWith(data)).toEqual(messages.map((message) => `Secret s: ${message}`)),
  );

  it('that are not sent need not be right', () => {
    expect(withSecret({ token: 'a\n', username: 'u' }, { type: 'generic' }).secrets).toContain('a');
  });
});

describe('headers', () => {
  it('keep order and spelling, and numbers are as they are written', () => {
    const headers = 'x-b: hello\nX-A: 1.10\nx-on: true\nx-empty:\nx-q: "a: b"\n';
    expect(Object.entries(withSecret({ headers }).headers)).toEqual([
      ['x-b', 'hello'],
      ['X-A', '1.10'],
      ['x-on', 'true'],
      ['x-empty', ''],
      ['x-q', 'a: b'],
    ]);
  });

  it.each(['', '{}', '# nothing', 'null: x'])('%j is fine', (headers) => expect(issuesWith({ headers })).toEqual([]));

  it.each([
    ['just text', 'a YAML map of header names to values, found 9 bytes that are not'],
    ['- a\n- b', 'a YAML map of header names to values, found 7 bytes that are not'],
    ['{"a": ', 'a YAML map of header names to values, found 6 bytes that are not'],
    ['a: *b', 'a YAML map of header names to values, found 5 bytes that are not'],
    ['a: 1\na: 2', 'a YAML map of header names to values, found 9 bytes that are not'],
    ['x: [a]', 'a string for every header, found a list or a map in header 1 of 1'],
    ['x: 1\nna me: s3cret', 'header names of letters, digits and -, found another character in header 2 of 2'],
    ['"": s3cret', 'header names of letters, digits and -, found another character in header 1 of 1'],
    ['x: "s3cret\\n"', 'header values of printable ASCII, found another character in header 1 of 1'],
    ['x: s3crét', 'header values of printable ASCII, found another character in header 1 of 1'],
    ['x: |\n  s3cret\n', 'header values of printable ASCII, found another character in header 1 of 1'],
    ['x-a: 1\nX-A: 2', 'every header once, found X-A again'],
    ['Content-Length: 5', 'no header of the connection itself, found Content-Length'],
    ['transfer-encoding: chunked', 'no header of the connection itself, found transfer-encoding'],
  ])('%j is an issue', (headers, message) =>
    expect(issuesWith({ headers })).toEqual([`Secret s: headers: expected ${message}`]),
  );

  it('of more than 32 KiB are an issue, and so are those written twice', () => {
    expect(issuesWith({ headers: `x: ${'y'.repeat(32_766)}` })).toEqual([
      'Secret s: headers: expected at most 32,768 bytes, found 32,769 bytes',
    ]);
    expect(issuesWith({ headers: 'x: 1\nx: 2' })).toEqual([
      'Secret s: headers: expected a YAML map of header names to values, found 9 bytes that are not',
    ]);
  });
});

describe('the HMAC key', () => {
  const bytes = Buffer.from([0x00, 0xff, 0x0a]);

  it.each<[string, Secrets[string], Spec, Uint8Array | undefined]>([
    ['hmacKey of cdevents', { hmacKey: bytes }, {}, bytes],
    ['hmacKey of generic', { hmacKey: 'k\n' }, { type: 'generic' }, Buffer.from('k\n')],
    ['token of generic-hmac', { token: bytes, hmacKey: 'no' }, { type: 'generic-hmac' }, bytes],
    ['none', { token: 'abc' }, {}, undefined],
  ])('is %s, byte for byte', (_, data, spec, key) => expect(withSecret(data, spec).hmacKey).toEqual(key));

  it.each<[Secrets[string], string]>([
    [{}, 'token'],
    [{ token: '' }, 'token'],
    [{ hmacKey: 'x' }, 'token'],
  ])('of generic-hmac has to be in the Secret: %j', (data, key) =>
    expect(issuesWith(data, { type: 'generic-hmac' })).toEqual([
      `Secret s: ${key}: expected the HMAC key, found nothing`,
    ]),
  );

  it('of generic-hmac needs a Secret', () =>
    expect(issuesOf(aProvider({ type: 'generic-hmac' }))).toEqual([
      'spec.secretRef: expected a Secret with the HMAC key as token, found nothing',
    ]));

  it('must not be empty', () =>
    expect(issuesWith({ hmacKey: '' })).toEqual(['Secret s: hmacKey: expected the HMAC key, found nothing']));
});

describe('TLS', () => {
  let authority: CertificateAuthority;
  let mine: { cert: string; key: string };
  let other: { cert: string; key: string };
  beforeAll(async () => {
    authority = await createAuthority();
    [mine, other] = await Promise.all([authority.client('mine'), authority.client('other')]);
  });
  const certSecretRef = { name: 'tls' };
  const tlsOf = (data: Secrets[string]) => ready({ certSecretRef }, { tls: data }).endpoint.tls;
  const tlsIssues = (data: Secrets[string]) => issuesOf(aProvider({ certSecretRef }), { tls: data });

  it('takes a CA, a client certificate, or both', () => {
    const { ca } = authority;
    expect(tlsOf({ 'ca.crt': ca })).toEqual({ ca });
    expect(tlsOf({ 'tls.crt': mine.cert, 'tls.key': mine.key })).toEqual(mine);
    expect(tlsOf({ 'ca.crt': ca, 'tls.crt': mine.cert, 'tls.key': mine.key })).toEqual({ ca, ...mine });
    expect(tlsOf({ 'ca.crt': `# two\n${ca}\n${mine.cert}` })).toEqual({ ca: `# two\n${ca}\n${mine.cert}` });
  });

  it('takes the legacy names, and the new ones win', () => {
    const { ca } = authority;
    expect(tlsOf({ caFile: ca, certFile: mine.cert, keyFile: mine.key })).toEqual({ ca, ...mine });
    expect(
      tlsOf({ 'ca.crt': ca, caFile: 'x', 'tls.crt': mine.cert, certFile: 'x', 'tls.key': mine.key, keyFile: 'x' }),
    ).toEqual({ ca, ...mine });
  });

  it('masks the key', () => {
    const { secrets } = ready({ certSecretRef }, { tls: { 'tls.crt': mine.cert, 'tls.key': mine.key } }).endpoint;
    expect(secrets).toEqual([mine.key]);
  });

  it('refuses what TLS could not use', () => {
    expect(tlsIssues({ token: 'x' })).toEqual([
      'Secret tls: ca.crt: expected ca.crt, or tls.crt and tls.key, or all three, found none of them',
    ]);
    expect(tlsIssues({ 'tls.crt': mine.cert })).toEqual([
      'Secret tls: tls.key: expected the key of tls.crt, found nothing',
    ]);
    expect(tlsIssues({ 'ca.crt': authority.ca, keyFile: mine.key })).toEqual([
      'Secret tls: tls.crt: expected the certificate of tls.key, found nothing',
    ]);
    expect(tlsIssues({ 'ca.crt': 'no PEM' })).toEqual([
      'Secret tls: ca.crt: expected certificates in PEM, found 6 bytes that are not',
    ]);
    const damaged = authority.ca.replace(/^M../m, 'AAA');
    expect(tlsIssues({ caFile: authority.ca + damaged })).toEqual([
      expect.stringMatching(/^Secret tls: caFile: expected certificates in PEM, found [\d,]+ bytes that are not$/),
    ]);
    expect(tlsIssues({ 'tls.crt': mine.cert, 'tls.key': 's3cret' })).toEqual([
      'Secret tls: tls.key: expected a private key in PEM without a passphrase, found 6 bytes that are not',
    ]);
    expect(tlsIssues({ 'tls.crt': mine.cert, 'tls.key': other.key })).toEqual([
      'Secret tls: tls.key: expected the key of tls.crt, found the key of another certificate',
    ]);
  });
});

describe('the proxy', () => {
  const secretRef = { name: 's' };
  const proxySecretRef = { name: 'p' };

  it.each<[string, Spec, Secrets, Endpoint['proxy']]>([
    ['of the spec', { proxy: 'http://proxy:3128' }, {}, { url: 'http://proxy:3128' }],
    [
      'of the Secret before it',
      { proxy: 'http://no', secretRef },
      { s: { proxy: 'http://proxy:3128\n' } },
      { url: 'http://proxy:3128' },
    ],
    [
      'of proxySecretRef before both',
      { proxy: 'http://no', secretRef, proxySecretRef },
      { s: { proxy: 'http://no' }, p: { address: 'https://proxy:3128', username: 'u', password: 'p' } },
      { url: 'https://proxy:3128', authorization: basic('u:p') },
    ],
    [
      'with credentials in its URL',
      { proxy: 'http://u:p%3A@proxy:3128' },
      {},
      { url: 'http://proxy:3128/', authorization: basic('u:p:') },
    ],
    [
      'with a user name alone',
      { proxySecretRef },
      { p: { address: 'http://proxy', username: 'u' } },
      { url: 'http://proxy', authorization: basic('u:') },
    ],
  ])('is that %s', (_, spec, secrets, proxy) => expect(ready(spec, secrets).endpoint.proxy).toEqual(proxy));

  it.each<[Spec, Secrets, string]>([
    [{ proxy: 'socks5://proxy' }, {}, 'spec.proxy: expected an absolute http or https URL, found socks5://…'],
    [{ proxySecretRef }, { p: {} }, 'Secret p: address: expected an absolute http or https URL, found nothing'],
    [
      { proxySecretRef },
      { p: { address: 'http://proxy', password: 'x' } },
      'Secret p: username: expected a user name next to password, found nothing',
    ],
    [
      { secretRef },
      { s: { proxy: 'u:s3cret@proxy' } },
      'Secret s: proxy: expected an absolute http or https URL, found 14 bytes',
    ],
  ])('is an issue: %j %j', (spec, secrets, message) => expect(issuesOf(aProvider(spec), secrets)).toEqual([message]));
});

describe('what must not be shown', () => {
  it('is every secret in every form', () => {
    const { secrets } = ready(
      { secretRef: { name: 's' }, proxySecretRef: { name: 'p' } },
      {
        s: { token: 'token-1', username: 'user', password: 'pass-1', headers: 'Authorization: Bearer key-1\nx: 1' },
        p: { address: 'http://proxy:3128/', username: 'user', password: 'pass-2' },
      },
    ).endpoint;
    expect(new Set(secrets)).toEqual(
      new Set([
        'token-1',
        'user',
        'pass-1',
        basic('user:pass-1').slice(6),
        'Bearer key-1',
        'key-1',
        '1',
        'proxy:3128/',
        'proxy:3128',
        'proxy',
        'pass-2',
        'user:pass-2',
        basic('user:pass-2').slice(6),
      ]),
    );
  });
});

describe('the fingerprint', () => {
  const of = (spec: Spec, secrets: Secrets = {}) =>
    ready({ secretRef: { name: 's' }, ...spec }, { s: {}, ...secrets }).fingerprint;
  const annotated = (annotations: Readonly<Record<string, string>>) => {
    const resolved = resolveWith(aProvider({}, annotations));
    return resolved.status === 'ready' ? resolved.fingerprint : undefined;
  };
  const prefix = 'cdevents.toolkit.fluxcd.io/';

  it('does not change while nothing relevant changes', () => {
    expect(of({})).toBe(of({}));
    expect(of({ timeout: '60s' })).toBe(of({ timeout: '1m' }));
    expect(annotated({ [`${prefix}cluster`]: 'a', [`${prefix}source`]: '/b' })).toBe(
      annotated({ [`${prefix}source`]: '/b', [`${prefix}cluster`]: 'a', other: 'x' }),
    );
  });

  it('changes with everything that counts', () => {
    const all = [
      of({}),
      of({ address: 'http://other' }),
      of({ type: 'generic' }),
      of({ suspend: true }),
      of({ timeout: '1s' }),
      of({}, { s: { token: 'a' } }),
      of({}, { s: { token: 'b' } }),
      of({}, { s: { hmacKey: 'a' } }),
      of({}, { s: { hmacKey: 'b' } }),
      of({}, { s: { headers: 'a: 1' } }),
      of({}, { s: { headers: 'a: 2' } }),
      of({ proxy: 'http://p' }),
      annotated({ [`${prefix}cluster`]: 'a' }),
      annotated({ [`${prefix}cluster`]: 'b' }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
