import { describeFound } from '../../diagnostics/describe.ts';
import type { Provider } from '../../flux/provider.ts';
import type { Secret } from '../../flux/secret.ts';
import { parseGoDuration } from '../../lib/go-duration.ts';
import type { Endpoint, HandledType } from '../provider.ts';
import { credentialsOf, resolveAuthorization, resolveHeaders, resolveHmacKey } from './credentials.ts';
import type { EndpointReading } from './endpoint-reading.ts';
import { headerValue } from './headers.ts';
import { resolveProxy } from './proxy.ts';
import { resolveTls } from './tls.ts';
import { basicAuthorization, secretsInAddress, secretsInQuery, splitUrl, urlFault } from './url.ts';

const DEFAULT_TIMEOUT_MS = 15_000;
/** The longest time that a timer can hold: 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The dependencies of `resolveEndpoint`. */
export interface EndpointDeps {
  /** A Secret of the Provider's namespace; undefined when there is none. */
  secret(name: string): Secret | undefined;
}

/** Finds out where and how to deliver. If the reading has any issue afterwards, the endpoint must not be used. */
export function resolveEndpoint(
  { metadata, spec }: Provider,
  type: HandledType,
  deps: EndpointDeps,
  reading: EndpointReading,
): Endpoint {
  const referenced = (field: 'secretRef' | 'certSecretRef' | 'proxySecretRef'): Secret | undefined => {
    const name = spec[field]?.name;
    if (name === undefined) return undefined;
    const secret = deps.secret(name);
    if (!secret) {
      const expected = `the name of a Secret in namespace ${metadata.namespace}`;
      const found = `${describeFound(name)}, which does not exist or cannot be read`;
      reading.inProvider(['spec', field, 'name'], { code: 'not-found', expected, found });
    }
    return secret;
  };
  const secret = referenced('secretRef');
  const certSecret = referenced('certSecretRef');
  const proxySecret = referenced('proxySecretRef');
  // A Secret that cannot be read is reported above; that its address is missing as well would only be noise.
  const unread = spec.secretRef !== undefined && secret === undefined;

  const address = unread && !spec.address ? undefined : resolveAddress(spec.address, secret, reading);
  const headers = secret ? resolveHeaders(secret, reading) : {};
  const authorization = resolveAuthorization(type, spec.username, secret, reading) ?? address?.authorization;
  const hmacKey = resolveHmacKey(type, secret, reading);
  if (type === 'generic-hmac' && spec.secretRef === undefined) {
    const expected = 'a Secret with the HMAC key as token';
    reading.inProvider(['spec', 'secretRef'], { code: 'missing', expected, found: 'nothing' });
  }
  const tls = certSecret && resolveTls(certSecret, reading);
  if (tls?.key) reading.mask(tls.key);
  const proxy = resolveProxy(spec.proxy, secret, spec.proxySecretRef ? { secret: proxySecret } : undefined, reading);
  const explicit = headerValue(headers, 'authorization') !== undefined;
  return {
    address: address?.url ?? '',
    addressIsSecret: address?.secret ?? false,
    timeoutMs: resolveTimeout(spec.timeout, reading),
    headers,
    ...(authorization !== undefined && !explicit && { authorization }),
    ...(hmacKey && { hmacKey }),
    ...(tls && { tls }),
    ...(proxy && { proxy }),
    secrets: reading.secrets,
  };
}

function resolveTimeout(timeout: string | undefined, reading: EndpointReading): number {
  if (timeout === undefined) return DEFAULT_TIMEOUT_MS;
  const timeoutMs = parseGoDuration(timeout);
  if (timeoutMs !== undefined && timeoutMs > 0) return Math.min(timeoutMs, MAX_TIMEOUT_MS);
  const expected = 'a duration over 0 such as 1m30s';
  reading.inProvider(['spec', 'timeout'], { expected, found: describeFound(timeout) });
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
  reading: EndpointReading,
): ResolvedAddress | undefined {
  const fromSecret = reading.textOf(secret, 'address')?.trim();
  const text = fromSecret ?? fromSpec;
  const isSecret = fromSecret !== undefined;
  if (isSecret) reading.mask(...secretsInAddress(fromSecret));
  if (text === undefined) {
    const expected = 'an absolute http or https URL, here or as address of the Secret';
    reading.inProvider(['spec', 'address'], { code: 'missing', expected, found: 'nothing' });
    return undefined;
  }
  const wrong = urlFault(text, { secret: isSecret });
  if (wrong) {
    if (isSecret && secret) reading.inSecret(secret, 'address', wrong);
    else reading.inProvider(['spec', 'address'], wrong);
    return undefined;
  }
  const { url, username, password, secrets } = splitUrl(text);
  reading.mask(...secrets, ...secretsInQuery(new URL(url)));
  if (username === undefined) return { url, secret: isSecret };
  const authorization = basicAuthorization(username, password ?? '');
  reading.mask(credentialsOf(authorization));
  return { url, secret: isSecret, authorization };
}
