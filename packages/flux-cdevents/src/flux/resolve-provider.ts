import { createHash } from 'node:crypto';
import { type ProviderDeps, resolveEndpoint } from './endpoint/endpoint.ts';
import type { Findings } from './endpoint/findings.ts';
import { isHandledType } from './parse-provider.ts';
import type { ConfigIssue, InvalidProvider, Provider, ReadyProvider, ResolvedProvider } from './provider.ts';
import { parseProviderOptions } from './provider-options.ts';
import { memberOf, readName } from './read-object.ts';

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

  const { options, issues } = parseProviderOptions(metadata.annotations);
  const findings: Findings = { issues: [...issues], masked: new Set() };
  const endpoint = resolveEndpoint(provider, type, deps, findings);
  if (findings.issues.length > 0) return { status: 'invalid', ref, type, suspend, issues: findings.issues };
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

/** The order of annotations does not count, that of headers does. */
function fingerprintOf(provider: Omit<ReadyProvider, 'fingerprint'>): string {
  const { hmacKey, ...endpoint } = provider.endpoint;
  const options = Object.entries(provider.options).sort();
  const all = { ...provider, options, endpoint, hmacKey: hmacKey && Buffer.from(hmacKey).toString('base64') };
  return createHash('sha256').update(JSON.stringify(all)).digest('base64url');
}
