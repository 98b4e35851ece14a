import type { ConfigIssue } from '../diagnostics/issue.ts';
import type { Alert } from '../flux/alert.ts';
import type { ConfigMap } from '../flux/config-map.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { Provider } from '../flux/provider.ts';
import type { Secret } from '../flux/secret.ts';
import {
  HANDLED_TYPES,
  type HandledType,
  type InvalidProvider,
  isHandledType,
  type MappingReader,
  type ResolvedProvider,
} from '../provider/provider.ts';
import { configMapNamesOf, resolveProvider, secretNamesOf } from '../provider/resolve-provider.ts';
import { isWebhookOnly } from '../provider/webhook-provider.ts';
import { type AlertContext, alertProblems, type Finding } from './alert-problems.ts';
import type { ConfigProblem, ConfigSnapshot } from './config-source.ts';
import { providerProblems } from './provider-problems.ts';

/** The objects of a configuration, each well-formed, and what a source knows about them. */
export interface ConfigObjects {
  readonly alerts: readonly Alert[];
  readonly providers: readonly Provider[];
  /** Stand-ins for Providers that could never be read. */
  readonly invalidProviders: readonly InvalidProvider[];
  /** Problems that the source found while reading; they come first. */
  readonly problems: readonly ConfigProblem[];
  readonly noCrossNamespaceRefs: boolean;
  /** Provider types that are delivered here; the others are foreign. @default all that are known */
  readonly handledTypes?: readonly HandledType[];
  secret(name: NamespacedName): Secret | undefined;
  configMap(name: NamespacedName): ConfigMap | undefined;
  readonly readMapping: MappingReader;
  /** True for a Provider that is there but cannot be read, so that its Alerts are not blamed as well. */
  isUnreadable(provider: NamespacedName): boolean;
  /** @see AlertContext.labelsKnown */
  readonly labelsKnown: AlertContext['labelsKnown'];
  /** Where a field of an object was written; undefined when a source has no such places. */
  where(kind: 'Alert' | 'Provider', name: NamespacedName, issue: ConfigIssue): string | undefined;
}

interface KnownProvider {
  readonly read: readonly (Secret | ConfigMap | undefined)[];
  readonly resolved: ResolvedProvider;
  readonly findings: readonly Finding[];
}

interface KnownAlert {
  readonly providerExists: boolean;
  readonly findings: readonly Finding[];
}

/** Whether a Provider is delivered here: by its type, or because its events come through the webhook. */
export const isDelivered = (provider: Provider, handledTypes: readonly HandledType[] = HANDLED_TYPES): boolean =>
  handledTypes.some((handled) => handled === provider.spec.type) || isWebhookOnly(provider);

/** The Secrets that a Provider is resolved with: none when it is not delivered here. */
export const secretsNeeded = (provider: Provider, handledTypes?: readonly HandledType[]): readonly string[] =>
  isDelivered(provider, handledTypes) ? secretNamesOf(provider) : [];

/** The ConfigMaps that a Provider is resolved with: none when it is not delivered here. */
export const configMapsNeeded = (provider: Provider, handledTypes?: readonly HandledType[]): readonly string[] =>
  isDelivered(provider, handledTypes) ? configMapNamesOf(provider) : [];

/** Objects of the Provider's own namespace. */
export const inNamespaceOf = ({ metadata: { namespace } }: Provider, names: readonly string[]): NamespacedName[] =>
  names.map((name) => ({ namespace, name }));

/** Makes a snapshot: Providers with their Secrets and ConfigMaps resolved, Alerts held against them, every problem listed. Pure. */
export const assembleSnapshot = (objects: ConfigObjects): ConfigSnapshot => createAssembler()(objects);

/**
 * The same again and again, for objects that change a few at a time: what an object came to is remembered by its
 * identity, so an object that stays must be the same one, and one that changes another. `noCrossNamespaceRefs`,
 * `handledTypes`, `labelsKnown` and `readMapping` are to stay what they are.
 */
export function createAssembler(): (objects: ConfigObjects) => ConfigSnapshot {
  const knownProviders = new WeakMap<Provider, KnownProvider>();
  const knownAlerts = new WeakMap<Alert, KnownAlert>();

  const resolve = (provider: Provider, objects: ConfigObjects): KnownProvider => {
    const { namespace } = provider.metadata;
    const read = [
      ...inNamespaceOf(provider, secretsNeeded(provider, objects.handledTypes)).map((name) => objects.secret(name)),
      ...inNamespaceOf(provider, configMapsNeeded(provider, objects.handledTypes)).map((name) =>
        objects.configMap(name),
      ),
    ];
    const known = knownProviders.get(provider);
    if (known?.read.every((object, index) => object === read[index])) return known;
    const left = isHandledType(provider.spec.type) && !isDelivered(provider, objects.handledTypes);
    const resolved: ResolvedProvider = left
      ? { status: 'foreign', ref: { namespace, name: provider.metadata.name }, type: provider.spec.type }
      : resolveProvider(provider, {
          secret: (name) => objects.secret({ namespace, name }),
          configMap: (name) => objects.configMap({ namespace, name }),
          readMapping: objects.readMapping,
        });
    const now = { read, resolved, findings: left ? [] : providerProblems(provider, resolved) };
    knownProviders.set(provider, now);
    return now;
  };

  return (objects) => {
    const problems = [...objects.problems];
    const report = (kind: 'Alert' | 'Provider', { metadata }: Alert | Provider, findings: readonly Finding[]) => {
      for (const finding of findings) {
        const where = objects.where(kind, metadata, finding.issue);
        problems.push({ object: `${kind} ${nameOf(metadata)}`, ...(where && { where }), ...finding });
      }
    };

    const providers = new Map<string, ResolvedProvider>();
    for (const provider of objects.invalidProviders) providers.set(nameOf(provider.ref), provider);
    for (const provider of objects.providers) {
      const { resolved, findings } = resolve(provider, objects);
      providers.set(nameOf(provider.metadata), resolved);
      report('Provider', provider, findings);
    }

    for (const alert of objects.alerts) {
      const name = { ...alert.spec.providerRef, namespace: alert.metadata.namespace };
      const provider = providers.get(nameOf(name));
      if (provider?.status === 'foreign') continue;
      const providerExists = provider !== undefined || objects.isUnreadable(name);
      let known = knownAlerts.get(alert);
      if (known?.providerExists !== providerExists) {
        const { noCrossNamespaceRefs, labelsKnown } = objects;
        const context: AlertContext = { noCrossNamespaceRefs, providerExists: () => providerExists, labelsKnown };
        known = { providerExists, findings: alertProblems(alert, context) };
        knownAlerts.set(alert, known);
      }
      report('Alert', alert, known.findings);
    }
    return { alerts: objects.alerts, providers, problems };
  };
}
