import type { ReadyProvider } from '../provider/provider.ts';

/**
 * What to send: a CDEvent as a CloudEvent, a Flux event as the notification-controller sends it, or an unchanged body.
 */
export interface OutgoingMessage {
  readonly kind: 'cdevent' | 'flux' | 'forward';
  /** The CDEvent or the Flux event, as JSON. */
  readonly body: string;
  /** CloudEvents extension `partitionkey`: the uid of the involved object. */
  readonly partitionKey?: string;
}

/** The outcome of one delivery attempt. A Transport reports it, and `deliver/` decides what follows. */
export type DeliveryOutcome =
  | { readonly status: 'delivered'; readonly code: string }
  | {
      readonly status: 'retryable';
      readonly error: string;
      /** HTTP status, or an error code such as `ECONNREFUSED` or `timeout`: the `code` label of the metrics. */
      readonly code: string;
      /** From `Retry-After`. */
      readonly retryAfterMs?: number;
      /** True for 401 and 403, which last until somebody changes a Secret. */
      readonly slow?: boolean;
    }
  | {
      readonly status: 'rejected';
      readonly error: string;
      readonly code: string;
      /** True for 410: the receiver wants no more events. */
      readonly stop?: boolean;
    };

/** The port to the receiver of one Provider. Errors are outcomes, and their `error` texts contain no secret. */
export interface Transport {
  /** Sends one message, or several as one batch when the content mode is `batched`. Does not throw. */
  send(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<DeliveryOutcome>;
  close(): Promise<void>;
}

/** The Transports of all Providers. */
export interface Transports {
  /** The Transport of this Provider. It stays the same as long as the fingerprint does. */
  forProvider(provider: ReadyProvider): Transport;
  /** Removes the Transports with other fingerprints, and closes each when its requests have ended. */
  retain(fingerprints: ReadonlySet<string>): void;
  /** Resolves when the requests in flight have ended. */
  close(): Promise<void>;
}
