import { createIssue, type Issue, withOwner } from '../../diagnostics/issue.ts';
import type { Alert } from '../../flux/alert.ts';
import { parseConfigMap } from '../../flux/config-map.ts';
import { type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import type { Provider } from '../../flux/provider.ts';
import { NOTIFICATION_GROUP } from '../../flux/read-object.ts';
import { parseSecret } from '../../flux/secret.ts';
import { createDiscovery } from '../../kube-api/discovery.ts';
import type { KubeClient } from '../../kube-api/kube-client.ts';
import type { Logger } from '../../observe/log.ts';
import type { ForeignProvider, HandledType, InvalidProvider, MappingReader } from '../../provider/provider.ts';
import { configMapsNeeded, createAssembler, inNamespaceOf, secretsNeeded } from '../assemble.ts';
import {
  type ConfigSnapshot,
  type ConfigSource,
  closedBeforeLoaded,
  NOT_LOADED,
  type UnreadPart,
} from '../config-source.ts';
import { logChange } from '../log-change.ts';
import { type CollectionOptions, createCollection, type WatchedObject } from './collection.ts';
import { createLabelReader, type LabelsChange } from './labels.ts';
import { createNamedObjects } from './named-objects.ts';
import {
  locateNotification,
  type ObjectState,
  type ProviderState,
  readAlert,
  readProvider,
} from './notification-objects.ts';

export interface KubernetesSourceOptions {
  readonly api: Pick<KubeClient, 'request' | 'watch'>;
  /** Watch this namespace only. @default all namespaces */
  readonly namespace?: string;
  /** @default false */
  readonly noCrossNamespaceRefs?: boolean;
  /** Provider types that are delivered here. @default all that are known */
  readonly handledTypes?: readonly HandledType[];
  readonly readMapping: MappingReader;
  readonly logger: Logger;
  /** Labels of an object cannot be read, or can be again. */
  readonly onLabelsChange?: (change: LabelsChange) => void;
  /** The requests a second that the client allows. @default 50 */
  readonly qps?: number;
  /** Changes are applied once none came for this long. @default 50 */
  readonly settleMs?: number;
  /** How often Secrets and ConfigMaps are read again. @default 60,000 */
  readonly referencesRefreshMs?: number;
  /** How soon a missing Secret or ConfigMap is read again. @default 5,000 */
  readonly referencesRetryMs?: number;
  /** How often to check which version of the API is served. @default 30,000 */
  readonly relocateMs?: number;
  /** How often to check for the CRDs while they are missing. @default 5,000 */
  readonly absentMs?: number;
  /** The wait after the first failure to list, watch or read; it doubles up to 30 s. @default 800; 1,000 to read */
  readonly retryMs?: number;
  /** Failures that are shorter than this are not reported as a problem while the last good objects are known. @default 10,000 */
  readonly staleAfterMs?: number;
  /** How long labels that were read are used. @default 5,000 */
  readonly labelsMaxAgeMs?: number;
  readonly random?: () => number;
}

/** How a Kubernetes Event names the object that it is about. */
export interface ObjectReference extends NamespacedName {
  readonly kind: 'Alert' | 'Provider';
  readonly apiVersion: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Configuration from an API server. */
export interface KubernetesSource extends ConfigSource {
  /** Reads the Secrets of a Provider again now, because its receiver refuses the present credentials. */
  refresh(provider: NamespacedName): void;
  /** Undefined when there is no such object. */
  reference(kind: 'Alert' | 'Provider', name: NamespacedName): ObjectReference | undefined;
}

/** The longest that a change waits while others keep coming. */
const MAX_SETTLE_MS = 500;
/** The largest share of the time that applying changes may take. */
const MAX_APPLY_SHARE = 1 / 10;
/** The longest that a change waits for the Secrets and the ConfigMap of a new Provider. */
const MAX_REFERENCES_WAIT_MS = 2_000;

/**
 * Lists and watches Alerts and Providers, and reads the Secrets and ConfigMaps that Providers name. The first snapshot is made
 * when all of them are read. From then on the last snapshot stays in force, also while the API server is away.
 */
export function createKubernetesSource(options: KubernetesSourceOptions): KubernetesSource {
  const { api, namespace, noCrossNamespaceRefs = false, handledTypes, logger, settleMs = 50 } = options;
  const { relocateMs, absentMs, retryMs, staleAfterMs, referencesRefreshMs, referencesRetryMs, random, qps } = options;
  const discovery = createDiscovery(api);
  const assemble = createAssembler();
  const listeners = new Set<(snapshot: ConfigSnapshot) => void>();
  const closing = new AbortController();
  let current: ConfigSnapshot | undefined;
  let started = () => {};

  const common = {
    api,
    logger,
    ...(namespace !== undefined && { namespace }),
    ...(relocateMs !== undefined && { relocateMs }),
    ...(absentMs !== undefined && { absentMs }),
    ...(retryMs !== undefined && { retryMs }),
    ...(staleAfterMs !== undefined && { staleAfterMs }),
    ...(random && { random }),
  } satisfies Partial<CollectionOptions<unknown>>;
  const alerts = createCollection<ObjectState<Alert>>({
    ...common,
    title: 'Alerts',
    definition: `alerts.${NOTIFICATION_GROUP}`,
    locate: () => locateNotification(discovery, 'Alert'),
    parse: readAlert,
    onChange: () => changed(),
  });
  const providers = createCollection<ProviderState>({
    ...common,
    title: 'Providers',
    definition: `providers.${NOTIFICATION_GROUP}`,
    locate: () => locateNotification(discovery, 'Provider'),
    parse: readProvider,
    onChange: () => {
      followReferencesSoon();
      changed();
    },
  });
  const byName = {
    api,
    onChange: () => changed(),
    ...(qps !== undefined && { qps }),
    ...(referencesRefreshMs !== undefined && { refreshMs: referencesRefreshMs }),
    ...(referencesRetryMs !== undefined && { retryMs: referencesRetryMs }),
    ...(retryMs !== undefined && { noAnswerRetryMs: retryMs }),
    ...(staleAfterMs !== undefined && { staleAfterMs }),
    ...(random && { random }),
  };
  const secrets = createNamedObjects({ ...byName, kind: 'Secret', parse: parseSecret });
  const configMaps = createNamedObjects({ ...byName, kind: 'ConfigMap', parse: parseConfigMap });
  /** The objects that Providers refer to, and which of them a Provider needs. */
  const references = [
    { objects: secrets, needed: secretsNeeded },
    { objects: configMaps, needed: configMapsNeeded },
  ] as const;
  const labels = createLabelReader({
    api,
    discovery,
    ...(options.onLabelsChange && { onChange: options.onLabelsChange }),
    ...(options.labelsMaxAgeMs !== undefined && { maxAgeMs: options.labelsMaxAgeMs }),
  });

  /** Each Provider as it was when its references were last read: those of a changed Provider are read again. */
  let seen = new Map<string, Provider | undefined>();
  function followReferences() {
    const good = [...providers.items].map(([key, { value }]) => [key, value.good] as const);
    const changedProviders = good.filter(([key, provider]) => seen.has(key) && seen.get(key) !== provider);
    seen = new Map(good);
    for (const { objects, needed } of references) {
      const namesOf = ([, provider]: (typeof good)[number]) =>
        provider ? inNamespaceOf(provider, needed(provider, handledTypes)) : [];
      objects.follow(good.flatMap(namesOf));
      const stale = changedProviders.flatMap(namesOf);
      if (stale.length > 0) objects.refresh(stale);
    }
  }

  let followingSoon = false;
  function followReferencesSoon() {
    if (followingSoon) return;
    followingSoon = true;
    setImmediate(() => {
      followingSoon = false;
      if (!closing.signal.aborted) followReferences();
    });
  }

  let timer: NodeJS.Timeout | undefined;
  let firstChangeAt: number | undefined;
  let restUntil = 0;
  /** Applies changes in quick succession together. */
  function changed() {
    if (closing.signal.aborted) return;
    const now = performance.now();
    firstChangeAt ??= now;
    clearTimeout(timer);
    const wait = Math.min(settleMs, firstChangeAt + MAX_SETTLE_MS - now);
    timer = setTimeout(publish, Math.max(wait, restUntil - now, 0));
  }

  function publish() {
    const begun = performance.now();
    if (followingSoon) followReferences();
    if (alerts.waitsFor() !== undefined || providers.waitsFor() !== undefined) return;
    if (secrets.pending + configMaps.pending > 0) {
      if (!current) return; // publish is called again when each of them is answered
      const waitMs = (firstChangeAt ?? begun) + MAX_REFERENCES_WAIT_MS - begun;
      if (waitMs > 0) {
        timer = setTimeout(publish, waitMs);
        return;
      }
    }
    firstChangeAt = undefined;
    const snapshot = assembleNow();
    logChange(logger, current, snapshot);
    current = snapshot;
    for (const listener of listeners) listener(snapshot);
    started();
    const tookMs = performance.now() - begun;
    restUntil = performance.now() + tookMs / MAX_APPLY_SHARE;
  }

  function assembleNow(): ConfigSnapshot {
    const stale = [alerts.stale(), providers.stale()].filter((part) => part !== undefined).map(staleObjects);
    const unread = [...stale, ...references.flatMap(({ objects }) => objects.unread())];
    const problems: Issue[] = [
      ...stale.map(({ problem }) => problem),
      ...references.flatMap(({ objects }) => objects.problems()),
    ];
    const goodAlerts: Alert[] = [];
    const goodProviders: Provider[] = [];
    const invalidProviders: (InvalidProvider | ForeignProvider)[] = [];
    const addIssues = (kind: string, { identity, value }: WatchedObject<ObjectState<unknown>>) => {
      for (const issue of value.issues) {
        problems.push(withOwner({ kind, namespace: identity.namespace, name: identity.name }, issue));
      }
    };
    for (const provider of providers.items.values()) {
      const { good, invalid } = provider.value;
      if (good) goodProviders.push(good);
      else if (invalid) invalidProviders.push(invalid);
      addIssues('Provider', provider);
    }
    for (const alert of alerts.items.values()) {
      if (alert.value.good) goodAlerts.push(alert.value.good);
      addIssues('Alert', alert);
    }
    return assemble({
      alerts: goodAlerts,
      providers: goodProviders,
      invalidProviders,
      problems,
      unread,
      noCrossNamespaceRefs,
      ...(handledTypes && { handledTypes }),
      secret: (name) => secrets.get(name),
      configMap: (name) => configMaps.get(name),
      readMapping: options.readMapping,
      isUnreadable: (provider) => providers.items.has(nameOf(provider)),
      labelsKnown: () => true,
      placeOf: () => undefined,
    });
  }

  return {
    async start() {
      if (closing.signal.aborted) throw closedBeforeLoaded();
      const first = new Promise<void>((resolve, reject) => {
        started = resolve;
        closing.signal.addEventListener('abort', () => reject(closedBeforeLoaded()));
      });
      void alerts.run(closing.signal);
      void providers.run(closing.signal);
      await first;
    },
    snapshot: () => current,
    labels,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closing.abort();
      clearTimeout(timer);
      for (const { objects } of references) objects.close();
    },
    waitsFor() {
      if (current) return [];
      const reasons = [alerts.waitsFor(), providers.waitsFor()].filter((reason) => reason !== undefined);
      if (reasons.length > 0) return reasons;
      const pending = [
        ...(secrets.pending > 0 ? [`${secrets.pending} Secrets of Providers are not read yet`] : []),
        ...(configMaps.pending > 0 ? [`${configMaps.pending} ConfigMaps of Providers are not read yet`] : []),
      ];
      return pending.length > 0 ? pending : [NOT_LOADED];
    },
    refresh(name) {
      const provider = providers.items.get(nameOf(name))?.value.good;
      if (provider) secrets.refresh(inNamespaceOf(provider, secretsNeeded(provider, handledTypes)));
    },
    reference(kind, name) {
      const found = (kind === 'Alert' ? alerts : providers).items.get(nameOf(name));
      return found && { kind, apiVersion: found.apiVersion, ...found.identity };
    },
  };
}

const staleObjects = ({ reason, sinceMs }: { readonly reason: string; readonly sinceMs: number }): UnreadPart => ({
  problem: createIssue('unreachable', ['API server'], 'the objects as they are now', reason),
  sinceMs,
  mayHoldMore: false, // the first snapshot comes after a whole list
});
