import { FluxCDEventsError } from '../../errors.ts';
import type { Alert } from '../../flux/alert.ts';
import { type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import type { HandledType, InvalidProvider, Provider } from '../../flux/provider.ts';
import { NOTIFICATION_GROUP } from '../../flux/read-object.ts';
import type { ApiClient } from '../../kube-api/api-client.ts';
import { createDiscovery } from '../../kube-api/discovery.ts';
import type { Logger } from '../../observe/log.ts';
import { createAssembler, secretsNeeded } from '../assemble.ts';
import type { ConfigProblem, ConfigSnapshot, ConfigSource } from '../config-source.ts';
import { logChange } from '../log-change.ts';
import { type CollectionOptions, createCollection, type Kept } from './collection.ts';
import { createLabelReader, type LabelsChange } from './labels.ts';
import {
  locateNotification,
  type ProviderReading,
  type Reading,
  readAlert,
  readProvider,
} from './notification-objects.ts';
import { createSecrets } from './secrets.ts';

export interface KubernetesSourceOptions {
  readonly api: Pick<ApiClient, 'request' | 'watch'>;
  /** Watch this namespace only. @default all namespaces */
  readonly namespace?: string;
  /** @default false */
  readonly noCrossNamespaceRefs?: boolean;
  /** Provider types that are delivered here. @default all that are known */
  readonly handledTypes?: readonly HandledType[];
  readonly logger: Logger;
  /** Labels of an object cannot be read, or can be again. */
  readonly onLabelsChange?: (change: LabelsChange) => void;
  /** The requests a second that the client allows. @default 50 */
  readonly qps?: number;
  /** How long it has to be quiet before changes are applied. @default 50 */
  readonly settleMs?: number;
  /** How often Secrets are read again. @default 60,000 */
  readonly secretRefreshMs?: number;
  /** How soon a missing Secret is looked for again. @default 5,000 */
  readonly secretRetryMs?: number;
  /** How often it is looked for a newer version of the API. @default 30,000 */
  readonly relocateMs?: number;
  /** How often it is looked whether the CustomResourceDefinitions are there by now. @default 5,000 */
  readonly absentMs?: number;
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
  /** What the first snapshot waits for, a reason each; empty once it is there. */
  waitsFor(): readonly string[];
  /** Reads the Secrets of a Provider now: its receiver refuses what we know. */
  refresh(provider: NamespacedName): void;
  /** Undefined when there is no such object. */
  reference(kind: 'Alert' | 'Provider', name: NamespacedName): ObjectReference | undefined;
}

/** Changes that never end are applied after so long. */
const MAX_SETTLE_MS = 500;
/** Applying changes may take this part of the time at most. */
const MAX_APPLY_SHARE = 1 / 10;
/** A new Provider waits so long for its Secrets before it is shown without. */
const MAX_SECRETS_WAIT_MS = 2_000;

/**
 * Alerts and Providers by list and watch, their Secrets by name. The first snapshot is made when all three are there;
 * from then on the last one stays in force whatever becomes of the API server.
 */
export function createKubernetesSource(options: KubernetesSourceOptions): KubernetesSource {
  const { api, namespace, noCrossNamespaceRefs = false, handledTypes, logger, settleMs = 50 } = options;
  const { relocateMs, absentMs, secretRefreshMs, secretRetryMs, random, qps } = options;
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
    ...(random && { random }),
  } satisfies Partial<CollectionOptions<unknown>>;
  const alerts = createCollection<Reading<Alert>>({
    ...common,
    title: 'Alerts',
    definition: `alerts.${NOTIFICATION_GROUP}`,
    locate: () => locateNotification(discovery, 'Alert'),
    parse: readAlert,
    onChange: () => changed(),
  });
  const providers = createCollection<ProviderReading>({
    ...common,
    title: 'Providers',
    definition: `providers.${NOTIFICATION_GROUP}`,
    locate: () => locateNotification(discovery, 'Provider'),
    parse: readProvider,
    onChange: () => {
      needSecretsSoon();
      changed();
    },
  });
  const secrets = createSecrets({
    api,
    onChange: () => changed(),
    ...(qps !== undefined && { qps }),
    ...(secretRefreshMs !== undefined && { refreshMs: secretRefreshMs }),
    ...(secretRetryMs !== undefined && { retryMs: secretRetryMs }),
    ...(random && { random }),
  });
  const labels = createLabelReader({
    api,
    discovery,
    ...(options.onLabelsChange && { onChange: options.onLabelsChange }),
    ...(options.labelsMaxAgeMs !== undefined && { maxAgeMs: options.labelsMaxAgeMs }),
  });

  const secretsOf = (provider: Provider): NamespacedName[] =>
    secretsNeeded(provider, handledTypes).map((name) => ({ namespace: provider.metadata.namespace, name }));

  /** Each Provider as it was when its Secrets were last read: one that changed has them read again. */
  let seen = new Map<string, Provider | undefined>();
  function needSecrets() {
    const needed: NamespacedName[] = [];
    const stale: NamespacedName[] = [];
    const now = new Map<string, Provider | undefined>();
    for (const [key, { value }] of providers.items) {
      now.set(key, value.good);
      const names = value.good ? secretsOf(value.good) : [];
      needed.push(...names);
      if (seen.has(key) && seen.get(key) !== value.good) stale.push(...names);
    }
    seen = now;
    secrets.need(needed);
    if (stale.length > 0) secrets.refresh(stale);
  }

  let needing = false;
  function needSecretsSoon() {
    if (needing) return;
    needing = true;
    setImmediate(() => {
      needing = false;
      if (!closing.signal.aborted) needSecrets();
    });
  }

  let timer: NodeJS.Timeout | undefined;
  let firstChangeAt: number | undefined;
  let restUntil = 0;
  /** Gathers what changes in quick succession. */
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
    if (needing) needSecrets();
    if (alerts.waitsFor() !== undefined || providers.waitsFor() !== undefined) return;
    if (secrets.pending > 0) {
      if (!current) return; // each Secret that is answered for calls again
      const waitMs = (firstChangeAt ?? begun) + MAX_SECRETS_WAIT_MS - begun;
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
    const stale = [alerts.staleFor(), providers.staleFor()].filter((reason) => reason !== undefined);
    const problems: ConfigProblem[] = [...stale.map(staleProblem), ...secrets.problems()];
    const goodAlerts: Alert[] = [];
    const goodProviders: Provider[] = [];
    const invalidProviders: InvalidProvider[] = [];
    const blame = (kind: string, { meta, value }: Kept<Reading<unknown>>) => {
      for (const issue of value.issues) problems.push({ object: `${kind} ${nameOf(meta)}`, severity: 'error', issue });
    };
    for (const kept of providers.items.values()) {
      const { good, invalid } = kept.value;
      if (good) goodProviders.push(good);
      else if (invalid) invalidProviders.push(invalid);
      blame('Provider', kept);
    }
    for (const kept of alerts.items.values()) {
      if (kept.value.good) goodAlerts.push(kept.value.good);
      blame('Alert', kept);
    }
    return assemble({
      alerts: goodAlerts,
      providers: goodProviders,
      invalidProviders,
      problems,
      noCrossNamespaceRefs,
      ...(handledTypes && { handledTypes }),
      secret: (name) => secrets.get(name),
      isUnreadable: (provider) => providers.items.has(nameOf(provider)),
      labelsKnown: () => true,
      where: () => undefined,
    });
  }

  return {
    async start() {
      const first = new Promise<void>((resolve, reject) => {
        started = resolve;
        closing.signal.addEventListener('abort', () => {
          reject(new FluxCDEventsError('FCE_CONFIG_NOT_LOADED', 'stopped before the configuration was loaded'));
        });
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
      secrets.close();
    },
    waitsFor() {
      if (current) return [];
      const reasons = [alerts.waitsFor(), providers.waitsFor()].filter((reason) => reason !== undefined);
      if (reasons.length > 0) return reasons;
      const { pending } = secrets;
      return [pending > 0 ? `${pending} Secrets of Providers are not read yet` : 'the configuration is not loaded yet'];
    },
    refresh(name) {
      const provider = providers.items.get(nameOf(name))?.value.good;
      if (provider) secrets.refresh(secretsOf(provider));
    },
    reference(kind, name) {
      const kept = (kind === 'Alert' ? alerts : providers).items.get(nameOf(name));
      return kept && { kind, apiVersion: kept.apiVersion, ...kept.meta };
    },
  };
}

const staleProblem = (found: string): ConfigProblem => ({
  severity: 'error',
  issue: { path: 'API server', expected: 'the objects as they are now', found },
});
