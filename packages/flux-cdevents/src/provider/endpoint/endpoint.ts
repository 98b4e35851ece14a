import type { ConfigIssue } from '../../diagnostics/issue.ts';
import { describeFound } from '../../diagnostics/issues.ts';
import type { Provider } from '../../flux/provider.ts';
import type { Secret } from '../../flux/secret.ts';
import { parseGoDuration } from '../../lib/go-duration.ts';
import type { Endpoint, HandledType } from '../provider.ts';
import { credentialsOf, resolveAuthorization, resolveHeaders, resolveHmacKey } from './credentials.ts';
import { type Findings, inSecret, textOf } from './findings.ts';
import { headerValue } from './headers.ts';
import { resolveProxy } from './proxy.ts';
import { resolveTls } from './tls.ts';
import { basicAuthorization, MIN_MASKED_CHARS, splitUrl, urlIssue } from './url.ts';

const DEFAULT_TIMEOUT_MS = 15_000;
/** What a timer can hold, 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What an endpoint is resolved with. */
export interface EndpointDeps {
  /** A Secret of the Provider's namespace; undefined when there is none. */
  secret(name: string): Secret | undefined;
}

/** Where and how to deliver. What is wrong goes to the findings, and then the answer must not be used. */
export function resolveEndpoint(
  { metadata, spec }: Provider,
  type: HandledType,
  deps: EndpointDeps,
  findings: Findings,
): Endpoint {
  const referenced = (field: 'secretRef' | 'certSecretRef' | 'proxySecretRef'): Secret | undefined => {
    const name = spec[field]?.name;
    if (name === undefined) return undefined;
    const secret = deps.secret(name);
    if (!secret) {
      const expected = `the name of a Secret in namespace ${metadata.namespace}`;
      findings.issues.push({
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

  const address = unread && !spec.address ? undefined : resolveAddress(spec.address, secret, findings);
  const headers = secret ? resolveHeaders(secret, findings) : {};
  const authorization = resolveAuthorization(type, spec.username, secret, findings) ?? address?.authorization;
  const hmacKey = resolveHmacKey(type, secret, findings);
  if (type === 'generic-hmac' && spec.secretRef === undefined) {
    findings.issues.push({ path: 'spec.secretRef', expected: 'a Secret with the HMAC key as token', found: 'nothing' });
  }
  const tls = certSecret && resolveTls(certSecret, findings.issues);
  if (tls?.key) findings.masked.add(tls.key);
  const proxy = resolveProxy(spec.proxy, secret, spec.proxySecretRef ? { secret: proxySecret } : undefined, findings);
  const explicit = headerValue(headers, 'authorization') !== undefined;
  return {
    address: address?.url ?? '',
    addressIsSecret: address?.secret ?? false,
    timeoutMs: resolveTimeout(spec.timeout, findings.issues),
    headers,
    ...(authorization !== undefined && !explicit && { authorization }),
    ...(hmacKey && { hmacKey }),
    ...(tls && { tls }),
    ...(proxy && { proxy }),
    secrets: [...findings.masked].filter((text) => text !== ''),
  };
}

function resolveTimeout(timeout: string | undefined, issues: ConfigIssue[]): number {
  if (timeout === undefined) return DEFAULT_TIMEOUT_MS;
  const timeoutMs = parseGoDuration(timeout);
  if (timeoutMs !== undefined && timeoutMs > 0) return Math.min(timeoutMs, MAX_TIMEOUT_MS);
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
  findings: Findings,
): ResolvedAddress | undefined {
  const fromSecret = textOf(secret, 'address', findings.issues)?.trim();
  const text = fromSecret ?? fromSpec;
  const path = fromSecret === undefined || !secret ? 'spec.address' : inSecret(secret, 'address');
  const isSecret = fromSecret !== undefined;
  if (isSecret) findings.masked.add(fromSecret);
  if (text === undefined) {
    const expected = 'an absolute http or https URL, here or as address of the Secret';
    findings.issues.push({ path, expected, found: 'nothing' });
    return undefined;
  }
  const wrong = urlIssue(text, { secret: isSecret });
  if (wrong) {
    findings.issues.push({ path, ...wrong });
    return undefined;
  }
  const { url, username, password, secrets } = splitUrl(text);
  for (const part of secrets) findings.masked.add(part);
  if (isSecret) {
    const { href, pathname, search } = new URL(url);
    findings.masked.add(url).add(href);
    if (pathname.length + search.length >= MIN_MASKED_CHARS) findings.masked.add(pathname + search);
  }
  if (username === undefined) return { url, secret: isSecret };
  const authorization = basicAuthorization(username, password ?? '');
  findings.masked.add(credentialsOf(authorization));
  return { url, secret: isSecret, authorization };
}
