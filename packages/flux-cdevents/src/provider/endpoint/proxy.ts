import type { Secret } from '../../flux/secret.ts';
import type { Endpoint } from '../provider.ts';
import { credentialsOf } from './credentials.ts';
import type { EndpointReading } from './endpoint-reading.ts';
import { basicAuthorization, secretsInAddress, splitUrl, urlFault } from './url.ts';

/** The later wins: `spec.proxy`, `proxy` of the Secret, `spec.proxySecretRef`. */
export function resolveProxy(
  fromSpec: string | undefined,
  secret: Secret | undefined,
  proxyRef: { readonly secret: Secret | undefined } | undefined,
  reading: EndpointReading,
): Endpoint['proxy'] {
  if (proxyRef) {
    if (!proxyRef.secret) return undefined;
    const address = reading.textOf(proxyRef.secret, 'address')?.trim() ?? '';
    const username = reading.textOf(proxyRef.secret, 'username');
    const password = reading.textOf(proxyRef.secret, 'password');
    if (password) reading.mask(password);
    if (username === undefined && password !== undefined) {
      reading.inSecret(proxyRef.secret, 'username', {
        code: 'missing',
        expected: 'a user name next to password',
        found: 'nothing',
      });
    }
    const credentials = username === undefined ? undefined : { username, password: password ?? '' };
    return toProxy(address, { secret: proxyRef.secret, key: 'address', credentials }, reading);
  }
  const fromSecret = reading.textOf(secret, 'proxy')?.trim();
  if (secret && fromSecret !== undefined) {
    return toProxy(fromSecret, { secret, key: 'proxy' }, reading);
  }
  return fromSpec ? toProxy(fromSpec, {}, reading) : undefined;
}

/** Where the URL of a proxy comes from: a key of a Secret, else `spec.proxy`. */
interface ProxyOrigin {
  readonly secret?: Secret;
  readonly key?: string;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
}

function toProxy(
  text: string,
  { secret, key = '', credentials }: ProxyOrigin,
  reading: EndpointReading,
): Endpoint['proxy'] {
  if (secret) reading.mask(...secretsInAddress(text));
  const wrong = urlFault(text, { secret: secret !== undefined });
  if (wrong) {
    if (secret) reading.inSecret(secret, key, wrong);
    else reading.inProvider(['spec', 'proxy'], wrong);
    return undefined;
  }
  const split = splitUrl(text);
  reading.mask(...split.secrets);
  const { username, password = '' } = credentials ?? split;
  if (username === undefined) return { url: split.url };
  const authorization = basicAuthorization(username, password);
  reading.mask(`${username}:${password}`, credentialsOf(authorization));
  return { url: split.url, authorization };
}
