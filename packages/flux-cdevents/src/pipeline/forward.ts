import { createHash } from 'node:crypto';
import type { FluxEvent } from '../flux/event.ts';
import { type NamespacedName, nameOf, objectKey } from '../flux/object-ref.ts';
import { bodyIdOf, entryIdOf } from '../map/identity.ts';
import { FORWARD_TYPE, type NewEntry } from '../outbox/entry.ts';
import type { ReadyProvider } from '../provider/provider.ts';
import { DEFAULT_OPTIONS } from '../provider/provider-options.ts';
import type { DeliveryOutcome, Transport } from '../transport/transport.ts';

/**
 * Under this name the notification-controller of `--forward-to` stands among the Providers, in the outbox, the API and
 * the metrics. No Kubernetes namespace can be called so.
 */
export const FORWARD_PROVIDER: NamespacedName = { namespace: '_', name: 'forward-to' };

const TIMEOUT_MS = 15_000;

/** The notification-controller as a Provider: same engine, same back-off, same dead letters. */
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

// The source of an entry has the shape that every entry's has, with the body in it as it is.
const SOURCE_START = '{"event":';
const SOURCE_END = ',"metadata":{}}';

/** What passes one request on. The same body makes the same entry; events of one object keep their order. */
export function forwardEntry(event: FluxEvent, body: string, at: number): NewEntry {
  const { kind } = event.involvedObject;
  return {
    id: entryIdOf(bodyIdOf(body), FORWARD_PROVIDER),
    provider: FORWARD_PROVIDER,
    alert: FORWARD_PROVIDER,
    orderingKey: `${nameOf(FORWARD_PROVIDER)} ${objectKey(event.involvedObject)}`,
    type: FORWARD_TYPE,
    object: `${kind}/${nameOf(event.involvedObject)}`,
    reason: event.reason,
    expiresAt: at + DEFAULT_OPTIONS.maxAgeMs,
    source: SOURCE_START + body + SOURCE_END,
    message: body,
  };
}

export const isForward = ({ provider }: Pick<NewEntry, 'provider'>): boolean =>
  provider.namespace === FORWARD_PROVIDER.namespace && provider.name === FORWARD_PROVIDER.name;

/** The body of an entry whose message was taken away to be mapped anew: there is nothing to map, it is as it was. */
export const bodyOf = ({ source }: Pick<NewEntry, 'source'>): string =>
  source.slice(SOURCE_START.length, source.length - SOURCE_END.length);

/**
 * What an answer of a notification-controller means. 429 says that it has the event already: another of our attempts
 * reached it. 410 is no word on what comes later, as it would be of a Provider's receiver.
 */
function judge(outcome: DeliveryOutcome): DeliveryOutcome {
  if (outcome.status === 'retryable' && outcome.code === '429') return { status: 'delivered', code: '429' };
  if (outcome.status !== 'rejected' || !outcome.stop) return outcome;
  const { stop: _, ...rejected } = outcome;
  return rejected;
}

/** Wraps the source of Transports for the Provider of `forwardProvider`. */
export function withForwarding<T extends { forProvider(provider: ReadyProvider): Transport }>(transports: T): T {
  return {
    ...transports,
    forProvider(provider) {
      const transport = transports.forProvider(provider);
      if (provider.ref !== FORWARD_PROVIDER) return transport;
      return { ...transport, send: async (messages, signal) => judge(await transport.send(messages, signal)) };
    },
  };
}
