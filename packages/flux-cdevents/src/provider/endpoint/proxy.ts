import type { Secret } from '../../flux/secret.ts';
import type { Endpoint } from '../provider.ts';
import { credentialsOf } from './credentials.ts';
import { complain, type Findings, inSecret, textOf } from './findings.ts';
import { basicAuthorization, splitUrl, urlIssue } from './url.ts';

/** The later wins: `spec.proxy`, `proxy` of the Secret, `spec.proxySecretRef`. */
export function resolveProxy(
  fromSpec: string | undefined,
  secret: Secret | undefined,
  proxyRef: { readonly secret: Secret | undefined } | undefined,
  findings: Findings,
): Endpoint['proxy'] {
  if (proxyRef) {
    if (!proxyRef.secret) return undefined;
    const address = textOf(proxyRef.secret, 'address', findings.issues)?.trim() ?? '';
    const username = textOf(proxyRef.secret, 'username', findings.issues);
    const password = textOf(proxyRef.secret, 'password', findings.issues);
    if (password) findings.masked.add(password);
    if (username === undefined && password !== undefined) {
      complain(findings, proxyRef.secret, 'username', { expected: 'a user name next to password', found: 'nothing' });
    }
    const credentials = username === undefined ? undefined : { username, password: password ?? '' };
    return toProxy(address, { path: inSecret(proxyRef.secret, 'address'), secret: true, credentials }, findings);
  }
  const fromSecret = textOf(secret, 'proxy', findings.issues)?.trim();
  if (secret && fromSecret !== undefined) {
    return toProxy(fromSecret, { path: inSecret(secret, 'proxy'), secret: true }, findings);
  }
  return fromSpec ? toProxy(fromSpec, { path: 'spec.proxy', secret: false }, findings) : undefined;
}

interface ProxyOrigin {
  readonly path: string;
  readonly secret: boolean;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
}

function toProxy(text: string, { path, secret, credentials }: ProxyOrigin, findings: Findings): Endpoint['proxy'] {
  if (secret) findings.masked.add(text);
  const wrong = urlIssue(text, { secret });
  if (wrong) {
    findings.issues.push({ path, ...wrong });
    return undefined;
  }
  const split = splitUrl(text);
  for (const part of split.secrets) findings.masked.add(part);
  const { username, password = '' } = credentials ?? split;
  if (username === undefined) return { url: split.url };
  const authorization = basicAuthorization(username, password);
  findings.masked.add(`${username}:${password}`).add(credentialsOf(authorization));
  return { url: split.url, authorization };
}
