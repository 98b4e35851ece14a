import { createHash } from 'node:crypto';
import { parseGoDuration } from './go-duration.ts';
import { headerValue, isHeaderValue, parseHeaders } from './headers.ts';
import { describeFound, describeSize } from './issues.ts';
import { isHandledType } from './parse-provider.ts';
import type {
  ConfigIssue,
  Endpoint,
  HandledType,
  InvalidProvider,
  Provider,
  ReadyProvider,
  ResolvedProvider,
} from './provider.ts';
import { parseProviderOptions } from './provider-options.ts';
import { memberOf, readName } from './read-object.ts';
import type { Secret } from './secret.ts';
import { resolveTls } from './tls.ts';
import { basicAuthorization, splitUrl, urlIssue } from './url.ts';

const DEFAULT_TIMEOUT_MS = 15_000;
/** A shorter header value (`1`, `on`) is no secret, and masking it would leave no log line readable. */
const MIN_MASKED_CHARS = 4;

/** What a Provider is resolved with. */
export interface ProviderDeps {
  /** A Secret of the Provider's namespace; undefined when there is none. */
  secret(name: string): Secret | undefined;
}

/** The Secrets that `resolveProvider` will ask for. */
export const secretNamesOf = ({ spec }: Provider): readonly string[] => [
  ...new Set([spec.secretRef, spec.certSecretRef, spec.proxySecretRef].flatMap((ref) => (ref ? [ref.name] : []))),
];

/**
 * Checks a Provider, its annotations and its Secrets, and says where and how to deliver. Pure. Whatever is wrong makes
 * the Provider `invalid` with every issue; nothing that a Secret says is dropped in silence, and no issue shows it.
 */
export function resolveProvider(provider: Provider, deps: ProviderDeps): ResolvedProvider {
  const { metadata, spec } = provider;
  const ref = { namespace: metadata.namespace, name: metadata.name };
  const { type, suspend = false } = spec;
  if (!isHandledType(type)) return { status: 'foreign', ref, type };

  const { options, issues: optionIssues } = parseProviderOptions(metadata.annotations);
  const issues = [...optionIssues];
  const endpoint = resolveEndpoint(provider, type, deps, issues);
  const [first] = issues;
  if (first) return { status: 'invalid', ref, type, suspend, issues };
  const ready: Omit<ReadyProvider, 'fingerprint'> = { status: 'ready', ref, type, suspend, options, endpoint };
  return { ...ready, fingerprint: fingerprintOf(ready) };
}

/**
 * Stands in for a Provider that cannot even be read, so that its events wait.
 * @returns undefined when its name or a type that is delivered here cannot be made out
 */
export function invalidProvider(document: unknown, issues: readonly ConfigIssue[]): InvalidProvider | undefined {
  const ref = readName(document);
  const spec = memberOf(document, 'spec');
  const type = spec?.type;
  return ref && isHandledType(type)
    ? { status: 'invalid', ref, type, suspend: spec?.suspend === true, issues }
    : undefined;
}

function resolveEndpoint(
  { metadata, spec }: Provider,
  type: HandledType,
  deps: ProviderDeps,
  issues: ConfigIssue[],
): Endpoint {
  const masked = new Set<string>();
  const referenced = (field: 'secretRef' | 'certSecretRef' | 'proxySecretRef'): Secret | undefined => {
    const name = spec[field]?.name;
    if (name === undefined) return undefined;
    const secret = deps.secret(name);
    if (!secret) {
      const expected = `the name of a Secret in namespace ${metadata.namespace}`;
      issues.push({
        path: `spec.${field}.name`,
        expected,
        found: `${describeFound(name)}, which does not exist or cannot be read`,
      });
    }
    return secret;
  };
  const secret = referenced('secretRef');
  const certSecret = referenced('certSecretRef');
  const proxySecret = referenced('proxySecretRef');
  // What cannot be read is reported above; that it lacks an address or a token as well would only be noise.
  const unread = spec.secretRef !== undefined && secret === undefined;

  const address = unread && !spec.address ? undefined : resolveAddress(spec.address, secret, issues, masked);
  const headers = secret ? resolveHeaders(secret, issues, masked) : {};
  const authorization = resolveAuthorization(type, spec.username, secret, issues, masked) ?? address?.authorization;
  const hmacKey = resolveHmacKey(type, secret, issues, masked);
  if (type === 'generic-hmac' && spec.secretRef === undefined) {
    issues.push({ path: 'spec.secretRef', expected: 'a Secret with the HMAC key as token', found: 'nothing' });
  }
  const tls = certSecret && resolveTls(certSecret, issues);
  if (tls?.key) masked.add(tls.key);
  const proxy = resolveProxy(
    spec.proxy,
    secret,
    spec.proxySecretRef ? { secret: proxySecret } : undefined,
    issues,
    masked,
  );
  const explicit = headerValue(headers, 'authorization') !== undefined;
  return {
    address: address?.url ?? '',
    addressIsSecret: address?.secret ?? false,
    timeoutMs: resolveTimeout(spec.timeout, issues),
    headers,
    ...(authorization !== undefined && !explicit && { authorization }),
    ...(hmacKey && { hmacKey }),
    ...(tls && { tls }),
    ...(proxy && { proxy }),
    secrets: [...masked].filter((text) => text !== ''),
  };
}

function resolveTimeout(timeout: string | undefined, issues: ConfigIssue[]): number {
  if (timeout === undefined) return DEFAULT_TIMEOUT_MS;
  const timeoutMs = parseGoDuration(timeout);
  if (timeoutMs !== undefined && timeoutMs > 0) return timeoutMs;
  issues.push({ path: 'spec.timeout', expected: 'a duration over 0 such as 1m30s', found: describeFound(timeout) });
  return DEFAULT_TIMEOUT_MS;
}

interface ResolvedAddress {
  readonly url: string;
  readonly secret: boolean;
  /** From credentials in the URL, which Go's HTTP client sends too. */
  readonly authorization?: string;
}

function resolveAddress(
  fromSpec: string | undefined,
  secret: Secret | undefined,
  issues: ConfigIssue[],
  masked: Set<string>,
): ResolvedAddress | undefined {
  const fromSecret = textOf(secret, 'address', issues)?.trim();
  const text = fromSecret ?? fromSpec;
  const path = fromSecret === undefined ? 'spec.address' : `Secret ${secret?.metadata.name}: address`;
  const isSecret = fromSecret !== undefined;
  if (isSecret) masked.add(fromSecret);
  if (text === undefined) {
    const expected = 'an absolute http or https URL, here or as address of the Secret';
    issues.push({ path, expected, found: 'nothing' });
    return undefined;
  }
  const wrong = urlIssue(text, { secret: isSecret });
  if (wrong) {
    issues.push({ path, ...wrong });
    return undefined;
  }
  const { url, username, password, secrets } = splitUrl(text);
  for (const part of secrets) masked.add(part);
  if (isSecret) {
    const { href, pathname, search } = new URL(url);
    masked.add(url).add(href);
    if (pathname.length + search.length >= MIN_MASKED_CHARS) masked.add(pathname + search);
  }
  if (username === undefined) return { url, secret: isSecret };
  const authorization = basicAuthorization(username, password ?? '');
  masked.add(credentialsOf(authorization));
  return { url, secret: isSecret, authorization };
}

function resolveHeaders(secret: Secret, issues: ConfigIssue[], masked: Set<string>): Readonly<Record<string, string>> {
  const text = textOf(secret, 'headers', issues);
  if (text === undefined) return {};
  const { headers, complaints } = parseHeaders(text);
  for (const complaint of complaints) issues.push({ path: `Secret ${secret.metadata.name}: headers`, ...complaint });
  for (const value of Object.values(headers)) {
    if (value.length >= MIN_MASKED_CHARS) masked.add(value);
  }
  const authorization = headerValue(headers, 'authorization');
  if (authorization) masked.add(credentialsOf(authorization));
  return headers;
}

/** `Bearer` before `Basic`. The generic types send neither, as in the notification-controller. */
function resolveAuthorization(
  type: HandledType,
  specUsername: string | undefined,
  secret: Secret | undefined,
  issues: ConfigIssue[],
  masked: Set<string>,
): string | undefined {
  if (!secret) return undefined;
  const at = (key: string) => `Secret ${secret.metadata.name}: ${key}`;
  const sent = type === 'cdevents';
  const complaints = sent ? issues : [];
  const token = textOf(secret, 'token', complaints);
  const username = textOf(secret, 'username', complaints) ?? specUsername;
  const password = textOf(secret, 'password', complaints);
  if (token) masked.add(token).add(token.trim());
  if (password) masked.add(password);
  const basic = username !== undefined && password !== undefined ? basicAuthorization(username, password) : undefined;
  if (basic) masked.add(credentialsOf(basic));
  if (!sent) return undefined;

  if (username === undefined && password !== undefined) {
    issues.push({ path: at('username'), expected: 'a user name next to password', found: 'nothing' });
  }
  if (secret.data.username !== undefined && secret.data.password === undefined) {
    issues.push({ path: at('password'), expected: 'a password next to username', found: 'nothing' });
  }
  if (username?.includes(':') && password !== undefined) {
    issues.push({ path: at('username'), expected: 'a user name without a colon', found: 'one with a colon' });
  }
  if (token === undefined) return basic;
  if (token.trim() === '') {
    issues.push({ path: at('token'), expected: 'a token', found: token === '' ? 'nothing' : 'only white space' });
  } else if (!isHeaderValue(token)) {
    const found = /[\r\n]$/.test(token) ? `${describeSize(token)} that end with a line break` : describeSize(token);
    issues.push({ path: at('token'), expected: 'one line of printable ASCII without a line break', found });
  }
  return `Bearer ${token}`;
}

/** Byte for byte. Of `generic-hmac` it is the `token`, as in the notification-controller; else it is `hmacKey`. */
function resolveHmacKey(
  type: HandledType,
  secret: Secret | undefined,
  issues: ConfigIssue[],
  masked: Set<string>,
): Uint8Array | undefined {
  if (!secret) return undefined;
  const name = type === 'generic-hmac' ? 'token' : 'hmacKey';
  const key = secret.data[name];
  if (key === undefined && type !== 'generic-hmac') return undefined;
  if (key === undefined || key.byteLength === 0) {
    issues.push({ path: `Secret ${secret.metadata.name}: ${name}`, expected: 'the HMAC key', found: 'nothing' });
    return undefined;
  }
  masked.add(Buffer.from(key).toString('utf8')).add(Buffer.from(key).toString('utf8').trim());
  return key;
}

/** The later wins: `spec.proxy`, `proxy` of the Secret, `spec.proxySecretRef`. */
function resolveProxy(
  fromSpec: string | undefined,
  secret: Secret | undefined,
  proxyRef: { readonly secret: Secret | undefined } | undefined,
  issues: ConfigIssue[],
  masked: Set<string>,
): Endpoint['proxy'] {
  if (proxyRef) {
    if (!proxyRef.secret) return undefined;
    const { name } = proxyRef.secret.metadata;
    const address = textOf(proxyRef.secret, 'address', issues)?.trim() ?? '';
    const username = textOf(proxyRef.secret, 'username', issues);
    const password = textOf(proxyRef.secret, 'password', issues);
    if (password) masked.add(password);
    if (username === undefined && password !== undefined) {
      const path = `Secret ${name}: username`;
      issues.push({ path, expected: 'a user name next to password', found: 'nothing' });
    }
    const credentials = username === undefined ? undefined : { username, password: password ?? '' };
    return toProxy(address, { path: `Secret ${name}: address`, secret: true, credentials }, issues, masked);
  }
  const fromSecret = textOf(secret, 'proxy', issues)?.trim();
  if (fromSecret !== undefined) {
    return toProxy(fromSecret, { path: `Secret ${secret?.metadata.name}: proxy`, secret: true }, issues, masked);
  }
  return fromSpec ? toProxy(fromSpec, { path: 'spec.proxy', secret: false }, issues, masked) : undefined;
}

interface ProxyOrigin {
  readonly path: string;
  readonly secret: boolean;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
}

function toProxy(
  text: string,
  { path, secret, credentials }: ProxyOrigin,
  issues: ConfigIssue[],
  masked: Set<string>,
): Endpoint['proxy'] {
  if (secret) masked.add(text);
  const wrong = urlIssue(text, { secret });
  if (wrong) {
    issues.push({ path, ...wrong });
    return undefined;
  }
  const split = splitUrl(text);
  for (const part of split.secrets) masked.add(part);
  const { username, password = '' } = credentials ?? split;
  if (username === undefined) return { url: split.url };
  const authorization = basicAuthorization(username, password);
  masked.add(`${username}:${password}`).add(credentialsOf(authorization));
  return { url: split.url, authorization };
}

/** `Bearer abc` without its scheme: a receiver may repeat the credentials alone. */
const credentialsOf = (authorization: string): string => authorization.slice(authorization.indexOf(' ') + 1).trim();

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(secret: Secret | undefined, key: string, issues: ConfigIssue[]): string | undefined {
  const bytes = secret?.data[key];
  if (!secret || !bytes) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    const found = `${describeSize(bytes)} of something else`;
    issues.push({ path: `Secret ${secret.metadata.name}: ${key}`, expected: 'text in UTF-8', found });
    return undefined;
  }
}

function fingerprintOf(provider: Omit<ReadyProvider, 'fingerprint'>): string {
  const { hmacKey, ...endpoint } = provider.endpoint;
  const all = { ...provider, endpoint, hmacKey: hmacKey && Buffer.from(hmacKey).toString('base64') };
  return createHash('sha256').update(JSON.stringify(all)).digest('base64url');
}
