import type { NamespacedName } from '../flux/object-ref.ts';
import type { ClaimedEntry } from './entry.ts';

export interface ClaimRequest {
  /** At most so many entries in all. */
  readonly limit: number;
  /** At most so many under lease for one Provider at a time, those of earlier claims included. */
  readonly perProvider: number;
  readonly leaseMs: number;
  /** `namespace/name` of Providers that get nothing now. */
  readonly except?: ReadonlySet<string>;
}

export interface Claim {
  /** Taken from the Providers in turn, so that a long queue of one does not hold back another. */
  readonly entries: readonly ClaimedEntry[];
  /** Milliseconds until something that was not handed out falls due or a lease ends; absent when nothing is queued. */
  readonly nextDueInMs?: number;
}

/** How an attempt is recorded. `release` gives an entry back untouched. */
export type Settlement = { readonly id: string; readonly leaseId: string } & (
  | { readonly outcome: 'delivered' }
  /** Due after the delay, or when the entry expires if that is sooner. One that has expired becomes a dead letter. */
  | { readonly outcome: 'retry'; readonly delayMs: number; readonly error: string }
  | { readonly outcome: 'dead-letter'; readonly error: string }
  | { readonly outcome: 'release' }
);

/** What a settlement came to. `lost`: the lease had ended, and nothing changed. */
export type Settled =
  | { readonly state: 'lost' | 'queued' | 'delivered' }
  | { readonly state: 'dead-letter'; readonly error: string };

/** A Provider that answered 410 and gets nothing until its fingerprint changes. */
export interface ProviderStop {
  readonly provider: NamespacedName;
  readonly fingerprint: string;
  readonly reason: string;
}

/** A stop that stands. */
export interface StandingStop extends ProviderStop {
  /** Epoch ms. */
  readonly stoppedAt: number;
}

/** The port for delivery. Rejects with `FCE_STORE_UNAVAILABLE` when the store cannot do it now. */
export interface WorkQueue {
  claim(request: ClaimRequest): Promise<Claim>;
  /** One answer for each settlement, in order. */
  settle(settlements: readonly Settlement[]): Promise<readonly Settled[]>;
  /** Makes every retry of a Provider due now. */
  wake(provider: NamespacedName): Promise<void>;
  stop(stop: ProviderStop): Promise<void>;
  resume(provider: NamespacedName): Promise<void>;
  stops(): Promise<readonly StandingStop[]>;
  /** Calls the listener when something may have become claimable. @returns a function that ends the subscription */
  onReady(listener: () => void): () => void;
}
