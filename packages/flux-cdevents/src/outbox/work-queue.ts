import type { NamespacedName } from '../flux/object-ref.ts';
import type { ClaimedEntry } from './entry.ts';

export interface ClaimRequest {
  /** The maximum number of entries. */
  readonly limit: number;
  /** The maximum number of entries under lease for one Provider, including those of earlier claims. */
  readonly perProvider: number;
  /**
   * The maximum total size of the entries, in bytes: an entry has the size of its texts. The first entry of a claim may
   * be larger. @default unlimited
   */
  readonly maxBytes?: number;
  /**
   * The maximum total size of the entries under lease for one Provider, including those of earlier claims. A single
   * entry may be larger. @default unlimited
   */
  readonly perProviderBytes?: number;
  readonly leaseMs: number;
  /** `namespace/name` of Providers to skip. */
  readonly except?: ReadonlySet<string>;
  /**
   * `namespace/name` of Providers to probe: each gets one entry, the one that is due soonest, even if it is not due yet
   * or the Provider is in `except`. The limits apply.
   */
  readonly probe?: ReadonlySet<string>;
}

export interface Claim {
  /** Taken from the Providers in turn, so that the long queue of one Provider does not delay another. */
  readonly entries: readonly ClaimedEntry[];
  /** Milliseconds until another entry is due or a lease ends. Absent when nothing is queued. */
  readonly nextDueInMs?: number;
}

/** How an attempt ended. `release` returns the entry to the queue unchanged. */
export type Settlement = { readonly id: string; readonly leaseId: string } & (
  | { readonly outcome: 'delivered' }
  /**
   * Due after the delay, or when the entry expires if that is sooner. An entry that has expired becomes a dead letter.
   */
  | { readonly outcome: 'retry'; readonly delayMs: number; readonly error: string }
  | { readonly outcome: 'dead-letter'; readonly error: string }
  | { readonly outcome: 'release' }
);

/** The result of a settlement. `lost`: the lease had ended, and nothing changed. */
export type Settled =
  | { readonly state: 'lost' | 'queued' | 'delivered' }
  | { readonly state: 'dead-letter'; readonly error: string };

/**
 * The longest delay that a store keeps across a restart. A retry that is due further ahead when the store is opened is
 * due at once: the clock was set back, or the wait was long already.
 */
export const MAX_KEPT_DELAY_MS = 10 * 60_000;

/** A Provider whose receiver answered 410. It receives nothing until its fingerprint changes. */
export interface ProviderStop {
  readonly provider: NamespacedName;
  readonly fingerprint: string;
  readonly reason: string;
}

/** A stop in force. */
export interface StandingStop extends ProviderStop {
  /** Epoch ms. */
  readonly stoppedAt: number;
}

/** The port for delivery. Rejects with `FCE_STORE_UNAVAILABLE` when the store cannot do it now. */
export interface WorkQueue {
  claim(request: ClaimRequest): Promise<Claim>;
  /** @returns one answer for each settlement, in the same order */
  settle(settlements: readonly Settlement[]): Promise<readonly Settled[]>;
  /** Makes all retries of a Provider due now. */
  wake(provider: NamespacedName): Promise<void>;
  stop(stop: ProviderStop): Promise<void>;
  resume(provider: NamespacedName): Promise<void>;
  stops(): Promise<readonly StandingStop[]>;
  /** Calls the listener when entries may have become claimable. @returns a function that ends the subscription */
  onReady(listener: () => void): () => void;
}
