import { type Issue, type Place, withOwner } from '../diagnostics/issue.ts';
import type { Alert } from '../flux/alert.ts';
import type { ConfigMap } from '../flux/config-map.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { Provider } from '../flux/provider.ts';
import type { Secret } from '../flux/secret.ts';
import {
  type ForeignProvider,
  HANDLED_TYPES,
  type HandledType,
  type InvalidProvider,
  isHandledType,
  type MappingReader,
  type ResolvedProvider,
} from '../provider/provider.ts';
import { configMapNamesOf, resolveProvider, secretNamesOf } from '../provider/resolve-provider.ts';
import { isWebhookOnly } from '../provider/webhook-provider.ts';
import { type AlertContext, alertIssues } from './alert-issues.ts';
import type { ConfigSnapshot, UnreadPart } from './config-source.ts';
import { providerIssues } from './provider-issues.ts';

/** The objects of a configuration, each well-formed, and what a source knows about them. */
export interface ConfigObjects {
  readonly alerts: readonly Alert[];
  readonly providers: readonly Provider[];
  /** Stand-ins for Providers that were never valid. */
  readonly invalidProviders: readonly (InvalidProvider | ForeignProvider)[];
  /** Issues that the source found while reading; they come first. */
  readonly problems: readonly Issue[];
  /** @see ConfigSnapshot.unread */
  readonly unread: readonly UnreadPart[];
  readonly noCrossNamespaceRefs: boolean;
  /** Provider types that are delivered here; the others are foreign. @default all that are known */
  readonly handledTypes?: readonly HandledType[];
  secret(name: NamespacedName): Secret | undefined;
  configMap(name: NamespacedName): ConfigMap | undefined;
  readonly readMapping: MappingReader;
  /** True for a Provider that exists but cannot be read, so that its Alerts have no issue for that. */
  isUnreadable(provider: NamespacedName): boolean;
  /** @see AlertContext.labelsKnown */
  readonly labelsKnown: AlertContext['labelsKnown'];
  /** Where the fault of an issue is written; undefined when a source has no such places. */
  placeOf(issue: Issue): Place | undefined;
}

interface KnownProvider {
  readonly read: readonly (Secret | ConfigMap | undefined)[];
  readonly resolved: ResolvedProvider;
  readonly issues: readonly Issue[];
}

interface KnownAlert {
  readonly providerExists: boolean;
  readonly issues: readonly Issue[];
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

/** Makes a snapshot: resolves Providers with their Secrets and ConfigMaps, checks Alerts, lists every issue. Pure. */
export const assembleSnapshot = (objects: ConfigObjects): ConfigSnapshot => createAssembler()(objects);

/**
 * Makes snapshots of objects of which a few change at a time. Results are remembered by the identity of an object, so an
 * unchanged object must be the same JavaScript object, and a changed one must be a new one. `noCrossNamespaceRefs`,
 * `handledTypes`, `labelsKnown` and `readMapping` must not change between calls.
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
    const now = { read, resolved, issues: left ? [] : providerIssues(provider, resolved) };
    knownProviders.set(provider, now);
    return now;
  };

  return (objects) => {
    const problems = [...objects.problems];
    const report = (kind: 'Alert' | 'Provider', { metadata }: Alert | Provider, issues: readonly Issue[]) => {
      const owner = { kind, namespace: metadata.namespace, name: metadata.name };
      for (const issue of issues) {
        const owned = issue.object ? issue : withOwner(owner, issue);
        const place = objects.placeOf(owned);
        problems.push(place ? { ...owned, place } : owned);
      }
    };

    const providers = new Map<string, ResolvedProvider>();
    for (const provider of objects.invalidProviders) providers.set(nameOf(provider.ref), provider);
    for (const provider of objects.providers) {
      const { resolved, issues } = resolve(provider, objects);
      providers.set(nameOf(provider.metadata), resolved);
      report('Provider', provider, issues);
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
        known = { providerExists, issues: alertIssues(alert, context) };
        knownAlerts.set(alert, known);
      }
      report('Alert', alert, known.issues);
    }
    return { alerts: objects.alerts, providers, problems, unread: objects.unread };
  };
}
