import type { ConfigSnapshot } from '../config/config-source.ts';
import { formatFault } from '../diagnostics/format.ts';
import { FluxCDEventsError } from '../errors.ts';
import type { FluxEvent } from '../flux/event.ts';
import { mergeMetadata } from '../flux/metadata.ts';
import { type NamespacedName, nameOf, objectKey } from '../flux/object-ref.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { ReadyProvider } from '../provider/provider.ts';
import { entriesOf, type MapDefaults, type SkipReason } from './entries.ts';
import { isForward } from './forward.ts';

export interface EventSenderDeps {
  readonly snapshot: () => ConfigSnapshot | undefined;
  readonly outbox: Pick<Outbox, 'recall' | 'commit'>;
  readonly defaults: MapDefaults;
  /** Epoch ms. */
  readonly now: () => number;
}

/** A test event as it is asked for: the event itself, or the reason of one that is made up. */
export interface TestEventRequest {
  readonly reason?: string;
  readonly event?: FluxEvent;
}

/** What became of a test event. */
export interface TestEventResult {
  readonly entries: readonly { readonly id: string; readonly type: string }[];
  /** Why there is none. */
  readonly skipped?: SkipReason;
}

/** Sends one event through one Provider, without an Alert. */
export type EventSender = (provider: NamespacedName, request: TestEventRequest) => Promise<TestEventResult>;

/**
 * Events that a person sends through a Provider to see whether it works. Everything after the choice of the Alert is
 * as always: mapping, memory, outbox, delivery. The Alert that the entries name is the Provider. No duplicate mark is
 * set or looked at, since whoever sends an event twice means it; an event whose entries are in the outbox already
 * changes nothing and is answered with their ids.
 * @throws {FluxCDEventsError} from the function that is returned: `FCE_CONFIG_NOT_LOADED`, `FCE_NOT_FOUND`,
 * `FCE_CONFIG_INVALID` or `FCE_API_REFUSED` when the Provider cannot take it, `FCE_STORE_UNAVAILABLE`
 */
export function createEventSender({ snapshot, outbox, defaults, now }: EventSenderDeps): EventSender {
  return async (provider, request) => {
    const resolved = usable(snapshot(), provider);
    const at = now();
    const event = request.event ?? createTestEvent(provider.namespace, request.reason ?? 'InstallSucceeded', at);
    const { metadata } = mergeMetadata(event, undefined);
    const object = objectKey(event.involvedObject);
    for (;;) {
      const { version, memory } = await outbox.recall(object);
      const selection = { alert: provider, metadata, provider, resolved };
      const { entries, remember, skipped } = entriesOf(event, [selection], memory, { defaults, at });
      if (entries.length > 0 || remember !== undefined) {
        const receipt = await outbox.commit({
          object,
          expect: version,
          ...(remember !== undefined && { remember }),
          entries,
          at,
        });
        if (receipt.status === 'conflict') continue;
      }
      const [reason] = skipped.map((skip) => skip.reason);
      return {
        entries: entries.map(({ id, type }) => ({ id, type })),
        ...(entries.length === 0 && reason !== undefined && { skipped: reason }),
      };
    }
  };
}

function usable(snapshot: ConfigSnapshot | undefined, ref: NamespacedName): ReadyProvider {
  if (!snapshot) throw new FluxCDEventsError('FCE_CONFIG_NOT_LOADED', 'the configuration is not loaded yet');
  const name = nameOf(ref);
  const provider = snapshot.providers.get(name);
  if (provider && isForward({ provider: ref })) {
    throw new FluxCDEventsError('FCE_API_REFUSED', `Provider ${name}: it stands for what events are forwarded to`);
  }
  if (!provider) throw new FluxCDEventsError('FCE_NOT_FOUND', `Provider ${name}: there is none of this name`);
  if (provider.status === 'foreign') {
    const found = `its type ${provider.type} is delivered by the notification-controller`;
    throw new FluxCDEventsError('FCE_API_REFUSED', `Provider ${name}: ${found}`);
  }
  if (provider.status === 'invalid') {
    const issues = provider.issues.map(formatFault).join('; ');
    throw new FluxCDEventsError('FCE_CONFIG_INVALID', `Provider ${name}: ${issues}`);
  }
  if (provider.suspend) throw new FluxCDEventsError('FCE_API_REFUSED', `Provider ${name}: it is suspended`);
  return provider;
}

/** The object that made-up events are about. */
export const TEST_OBJECT_NAME = 'flux-cdevents-test';
const HELM_REASON = /^(Install|Upgrade|Test|Rollback|Uninstall)(Succeeded|Failed)$/;
const KUSTOMIZATION_REASON =
  /^(?:Reconciliation(?:Succeeded|Failed)|Progressing|(?:Build|Prune|HealthCheck|Artifact)Failed)$/;

/**
 * An event as a Flux controller would post it, about an object that does not exist.
 * @param namespace of the object
 * @param reason decides about its kind, severity and message
 * @param at epoch ms; a moment later it is another event
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
