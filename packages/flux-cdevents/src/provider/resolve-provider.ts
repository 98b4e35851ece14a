import { createHash } from 'node:crypto';
import { type Issue, withOwner } from '../diagnostics/issue.ts';
import type { NamespacedName } from '../flux/object-ref.ts';
import type { Provider } from '../flux/provider.ts';
import { memberOf, readName } from '../flux/read-object.ts';
import { type EndpointDeps, resolveEndpoint } from './endpoint/endpoint.ts';
import { EndpointReading } from './endpoint/endpoint-reading.ts';
import type {
  ForeignProvider,
  HandledType,
  InvalidProvider,
  MappingText,
  ReadyProvider,
  ResolvedProvider,
} from './provider.ts';
import { isHandledType } from './provider.ts';
import { mappingNameOf, optionConflicts, parseProviderOptions } from './provider-options.ts';
import { type MappingDeps, resolveMapping } from './resolve-mapping.ts';
import {
  isWebhookOnly,
  receiverOf,
  toAnnotationPaths,
  WEBHOOK_ANNOTATIONS,
  webhookAuthOf,
} from './webhook-provider.ts';

/** The Secrets that `resolveProvider` will ask for. */
export const secretNamesOf = ({ metadata, spec }: Provider): readonly string[] => {
  const ofReceiver = metadata.annotations?.[WEBHOOK_ANNOTATIONS.secret];
  const references = [spec.secretRef, spec.certSecretRef, spec.proxySecretRef];
  return [...new Set([...references.flatMap((ref) => (ref ? [ref.name] : [])), ...(ofReceiver ? [ofReceiver] : [])])];
};

/** The ConfigMap that `resolveProvider` will ask for, for a Provider whose events become CDEvents. */
export const configMapNamesOf = (provider: Provider): readonly string[] => {
  const name = mapsEvents(provider) ? mappingNameOf(provider.metadata.annotations) : undefined;
  return name === undefined ? [] : [name];
};

/** Whether the events of a Provider become CDEvents; the others are passed on as Flux sent them. */
const mapsEvents = (provider: Provider): boolean => provider.spec.type === 'cdevents' || isWebhookOnly(provider);

/** The dependencies of `resolveProvider`. */
export interface ProviderDeps extends EndpointDeps, MappingDeps {}

/**
 * Checks a Provider, its annotations, its Secrets and its mapping, and says where and how to deliver. Pure. Any issue
 * makes the Provider `invalid`, and every issue is listed. Nothing in a Secret is silently ignored, and no issue shows it.
 */
export function resolveProvider(provider: Provider, deps: ProviderDeps): ResolvedProvider {
  const { metadata, spec } = provider;
  const ref = { namespace: metadata.namespace, name: metadata.name };
  const { type, suspend = false } = spec;
  if (!isHandledType(type)) return { status: 'foreign', ref, type };

  const parsed = parseProviderOptions(metadata.annotations);
  const { options, issues } = mapsEvents(provider) ? resolveMapping(parsed, deps) : { ...parsed, issues: [] };
  const reading = new EndpointReading();
  reading.issues.push(...parsed.issues, ...issues, ...optionConflicts(options));
  const webhook = webhookAuthOf(provider, deps);
  const webhookOnly = isWebhookOnly(provider);
  // Delivers like a Provider of type `cdevents` with the receiver that the annotations name.
  const sentAs: HandledType = webhookOnly ? 'cdevents' : type;
  const endpoint = resolveEndpoint(webhookOnly ? receiverOf(provider) : provider, sentAs, deps, reading);
  if (webhookOnly && !webhook) {
    const found = spec.secretRef ? 'none that can be read' : 'nothing';
    const expected = 'a Secret with the HMAC key as token';
    reading.inProvider(['spec', 'secretRef'], { code: 'missing', expected, found });
  }
  const common = { ref, type: sentAs, suspend };
  const side = { ...(webhookOnly && { webhookOnly }), ...(webhook && { webhook }) };
  const found = ownedBy(ref, webhookOnly ? toAnnotationPaths(reading.issues) : reading.issues);
  if (found.length > 0) return { status: 'invalid', ...common, issues: found, ...side };
  const ready: Omit<ReadyProvider, 'fingerprint'> = { status: 'ready', ...common, options, endpoint };
  return { ...ready, ...side, fingerprint: fingerprintOf(ready) };
}

/**
 * Stands in for a Provider that cannot even be read, so that its events wait: also when its type is missing or malformed,
 * since it may be a type that is delivered here.
 * @returns undefined when it has no readable name
 */
export function invalidProvider(
  document: unknown,
  issues: readonly Issue[],
): InvalidProvider | ForeignProvider | undefined {
  const ref = readName(document);
  if (!ref) return undefined;
  const spec = memberOf(document, 'spec');
  const written: unknown = spec?.type;
  if (typeof written === 'string' && written !== '' && !isHandledType(written)) {
    return { status: 'foreign', ref, type: written };
  }
  const type = isHandledType(written) ? written : 'cdevents';
  const annotations = memberOf(memberOf(document, 'metadata'), 'annotations');
  const webhookOnly = type !== 'cdevents' && annotations?.[WEBHOOK_ANNOTATIONS.address] !== undefined;
  const suspend = spec?.suspend === true;
  return {
    status: 'invalid',
    ref,
    type,
    suspend,
    issues: ownedBy(ref, issues),
    ...(webhookOnly && { webhookOnly }),
  };
}

const ownedBy = (ref: NamespacedName, issues: readonly Issue[]): readonly Issue[] =>
  issues.map((issue) => withOwner({ kind: 'Provider', ...ref }, issue));

/** The order of annotations does not matter, but that of headers does. */
function fingerprintOf(provider: Omit<ReadyProvider, 'fingerprint'>): string {
  const { hmacKey, ...endpoint } = provider.endpoint;
  const { mapping } = provider.options;
  const options = Object.entries({ ...provider.options, mapping: mapping && digestOf(mapping) }).sort();
  const all = { ...provider, options, endpoint, hmacKey: hmacKey && Buffer.from(hmacKey).toString('base64') };
  return createHash('sha256').update(JSON.stringify(all)).digest('base64url');
}

const digests = new WeakMap<MappingText, string>();

/** A text may be long and named by many Providers. */
function digestOf(mapping: MappingText): string {
  const known = digests.get(mapping);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(JSON.stringify(mapping)).digest('base64url');
  digests.set(mapping, digest);
  return digest;
}
