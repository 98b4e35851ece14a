import { type ConfigSnapshot, configNotLoaded } from '../config/config-source.ts';
import { formatFault } from '../diagnostics/format.ts';
import { FluxCDEventsError } from '../errors.ts';
import type { FluxEvent } from '../flux/event.ts';
import { mergeMetadata } from '../flux/metadata.ts';
import { type NamespacedName, nameOf, objectKey } from '../flux/object-ref.ts';
import { typeLabelOf } from '../outbox/entry.ts';
import type { EventStore } from '../outbox/event-store.ts';
import type { ReadyProvider } from '../provider/provider.ts';
import { commitMapped } from './commit-loop.ts';
import { type DestinationSkipReason, entriesOf, type MapDefaults } from './event-entries.ts';
import { isForwardProvider } from './forward.ts';

export interface TestEventSenderDeps {
  readonly snapshot: () => ConfigSnapshot | undefined;
  readonly outbox: EventStore;
  readonly defaults: MapDefaults;
  /** Epoch ms: the time of a generated event. */
  readonly now: () => number;
}

/** The event to send, or the reason for one to generate. */
export interface TestEventRequest {
  readonly reason?: string;
  readonly event?: FluxEvent;
}

/** The result of sending a test event. */
export interface TestEventResult {
  /** `type`: the event type, or the label of an entry that has none. */
  readonly entries: readonly { readonly id: string; readonly type: string }[];
  /** Why there is none. */
  readonly skipped?: DestinationSkipReason;
}

/** Sends one event through one Provider, without an Alert. */
export type TestEventSender = (provider: NamespacedName, request: TestEventRequest) => Promise<TestEventResult>;

/**
 * Sends events through a Provider so that a person can see whether it works. No Alert is matched, and the entries name
 * the Provider as their Alert; everything else is as for other events: mapping, memory, outbox, delivery. There is no
 * duplicate mark, because a person who sends an event twice does so on purpose. An event whose entries are already in
 * the outbox changes nothing, and the result has their ids.
 * @throws {FluxCDEventsError} from the function that is returned: `FCE_CONFIG_NOT_LOADED`, `FCE_NOT_FOUND`,
 * `FCE_CONFIG_INVALID` or `FCE_API_REFUSED` when the Provider cannot take it, `FCE_STORE_UNAVAILABLE`
 */
export function createTestEventSender({ snapshot, outbox, defaults, now }: TestEventSenderDeps): TestEventSender {
  return async (provider, request) => {
    const resolved = usableProvider(snapshot(), provider);
    const event = request.event ?? createTestEvent(provider.namespace, request.reason ?? 'InstallSucceeded', now());
    const { metadata } = mergeMetadata(event, undefined);
    const destination = { alert: provider, metadata, provider, resolved };
    const { mapped } = await commitMapped(outbox, {
      object: objectKey(event.involvedObject),
      map: (recalled) => entriesOf(event, [destination], recalled, defaults),
    });
    const { entries, skipped } = mapped;
    return {
      entries: entries.map((entry) => ({ id: entry.id, type: typeLabelOf(entry) })),
      ...(entries.length === 0 && skipped[0] && { skipped: skipped[0].reason }),
    };
  };
}

function usableProvider(snapshot: ConfigSnapshot | undefined, ref: NamespacedName): ReadyProvider {
  if (!snapshot) throw configNotLoaded();
  const name = nameOf(ref);
  const provider = snapshot.providers.get(name);
  if (provider && isForwardProvider(ref)) {
    throw new FluxCDEventsError(
      'FCE_API_REFUSED',
      `Provider ${name}: it stands for the notification-controller of --forward-to`,
    );
  }
  if (!provider) throw new FluxCDEventsError('FCE_NOT_FOUND', `Provider ${name}: not found`);
  if (provider.status === 'foreign') {
    const found = `type ${provider.type} is delivered by the notification-controller`;
    throw new FluxCDEventsError('FCE_API_REFUSED', `Provider ${name}: ${found}`);
  }
  if (provider.status === 'invalid') {
    const issues = provider.issues.map(formatFault).join('; ');
    throw new FluxCDEventsError('FCE_CONFIG_INVALID', `Provider ${name}: ${issues}`);
  }
  if (provider.suspend) throw new FluxCDEventsError('FCE_API_REFUSED', `Provider ${name}: it is suspended`);
  return provider;
}

/** The name of the object that generated events are about. */
const TEST_OBJECT_NAME = 'flux-cdevents-test';
const HELM_REASON = /^(Install|Upgrade|Test|Rollback|Uninstall)(Succeeded|Failed)$/;
const KUSTOMIZATION_REASON =
  /^(?:Reconciliation(?:Succeeded|Failed)|Progressing|(?:Build|Prune|HealthCheck|Artifact)Failed)$/;

/**
 * An event as a Flux controller would post it, about an object that does not exist.
 * @param namespace of the object
 * @param reason decides the kind of the object, and the severity and the message of the event
 * @param at epoch ms; with another instant it is another event
 */
export function createTestEvent(namespace: string, reason: string, at: number): FluxEvent {
  const failed = reason.endsWith('Failed');
  const [, action, result] = HELM_REASON.exec(reason) ?? [];
  const isKustomization = KUSTOMIZATION_REASON.test(reason);
  const [group, version, kind, controller] = isKustomization
    ? ['kustomize.toolkit.fluxcd.io', 'v1', 'Kustomization', 'kustomize-controller']
    : ['helm.toolkit.fluxcd.io', 'v2', 'HelmRelease', 'helm-controller'];
  const release = `release ${namespace}/${TEST_OBJECT_NAME}.v1 with chart ${TEST_OBJECT_NAME}@0.1.0`;
  return {
    involvedObject: { apiVersion: `${group}/${version}`, kind, namespace, name: TEST_OBJECT_NAME },
    severity: failed ? 'error' : 'info',
    timestamp: new Date(at).toISOString(),
    reason,
    message:
      action && result
        ? `Helm ${action.toLowerCase()} ${result.toLowerCase()} for ${release}${failed ? ': test event' : ''}`
        : `Test event of flux-cdevents: ${reason}`,
    metadata: {
      [`${group}/revision`]: isKustomization ? 'main@sha1:0000000000000000000000000000000000000000' : '0.1.0',
    },
    reportingController: controller,
    reportingInstance: TEST_OBJECT_NAME,
  };
}
