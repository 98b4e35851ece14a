import { createHash } from 'node:crypto';
import type { FluxEvent } from '../flux/event.ts';
import type { NamespacedName } from '../flux/object-ref.ts';
import { bodyIdOf, entryIdOf } from '../map/identity.ts';
import type { NewEntry } from '../outbox/entry.ts';
import type { ReadyProvider } from '../provider/provider.ts';
import { DEFAULT_OPTIONS } from '../provider/provider-options.ts';
import { placeOf } from './event-entries.ts';

/**
 * The name of the notification-controller of `--forward-to` among the Providers, in the outbox, the API and the metrics.
 * No Kubernetes namespace can have this name.
 */
export const FORWARD_PROVIDER: NamespacedName = { namespace: '_', name: 'forward-to' };

const TIMEOUT_MS = 15_000;

/** The notification-controller as a Provider: it has the same back-off and the same dead letters. */
export function forwardProvider(address: string): ReadyProvider {
  const fingerprint = createHash('sha256').update(`forward ${address}`).digest('base64url');
  return {
    status: 'ready',
    ref: FORWARD_PROVIDER,
    type: 'generic',
    suspend: false,
    options: DEFAULT_OPTIONS,
    endpoint: { address, addressIsSecret: false, timeoutMs: TIMEOUT_MS, headers: {}, secrets: [] },
    fingerprint,
  };
}

/**
 * The entry that forwards one request. The same body makes the same entry, and events of one object keep their order.
 */
export function forwardEntry(event: FluxEvent, body: string): NewEntry {
  return {
    id: entryIdOf(bodyIdOf(body), FORWARD_PROVIDER),
    provider: FORWARD_PROVIDER,
    alert: FORWARD_PROVIDER,
    ...placeOf(event, FORWARD_PROVIDER),
    kind: 'forward',
    maxAgeMs: DEFAULT_OPTIONS.maxAgeMs,
    message: body,
  };
}

export const isForwardProvider = ({ namespace, name }: NamespacedName): boolean =>
  namespace === FORWARD_PROVIDER.namespace && name === FORWARD_PROVIDER.name;
