import { createMinHeap } from '../../../lib/min-heap.ts';
import type { ProviderQueue } from './providers.ts';

/**
 * Decides which Provider is served next. Providers with due entries are in a ring, and Providers with entries due later
 * are in a heap. Providers that have reached their limit of leases are set aside, and idle Providers are nowhere. The
 * due times are hints that may be too early, but never too late: each claim reads the file and corrects them.
 */
export interface Turns {
  /** Records that an entry of the Provider is due at `dueAt`. */
  touch(provider: ProviderQueue, dueAt: number): void;
  /** Records that a lease of the Provider ended. */
  freed(provider: ProviderQueue): void;
  /**
   * The Providers that may have due entries, in the order of their turns.
   * @param limits what a Provider may have under lease; Providers that were set aside for others are back
   */
  due(at: number, limits: LeaseLimits): Iterable<ProviderQueue>;
  /** Records that the Provider has reached its limit of leases. */
  full(provider: ProviderQueue): void;
  /** Records that the Provider was served. Its next entry is due at `nextDueAt`. */
  served(provider: ProviderQueue, nextDueAt: number, at: number): void;
  /** When the next entry is due of a Provider that has none due now. */
  nextDueAt(): number | undefined;
  /** Whether, since the last call, an entry may have become claimable or due earlier. */
  stirred(): boolean;
}

/** What one Provider may have under lease. */
export interface LeaseLimits {
  readonly perProvider: number;
  readonly perProviderBytes: number;
}

export function createTurns(): Turns {
  const ring = new Set<ProviderQueue>();
  const full = new Set<ProviderQueue>();
  const waiting = createMinHeap<ProviderQueue>();
  let fullAt: LeaseLimits = { perProvider: 0, perProviderBytes: 0 };
  let stirred = false;

  const isWaiting = (provider: ProviderQueue, dueAt: number): boolean =>
    provider.nextDueAt === dueAt && !ring.has(provider) && !full.has(provider);
  /** Removes outdated items from the heap first. */
  const firstWaiting = () => {
    for (;;) {
      const first = waiting.peek();
      if (!first || isWaiting(first.value, first.rank)) return first;
      waiting.pop();
    }
  };

  return {
    touch(provider, dueAt) {
      if (dueAt >= provider.nextDueAt) return;
      provider.nextDueAt = dueAt;
      stirred = true;
      if (!ring.has(provider) && !full.has(provider)) waiting.push(dueAt, provider);
    },
    freed(provider) {
      if (!full.delete(provider)) return;
      ring.add(provider);
      stirred = true;
    },
    due(at, { perProvider, perProviderBytes }) {
      if (perProvider !== fullAt.perProvider || perProviderBytes !== fullAt.perProviderBytes) {
        for (const provider of full) ring.add(provider);
        full.clear();
        fullAt = { perProvider, perProviderBytes };
      }
      for (let first = firstWaiting(); first && first.rank <= at; first = firstWaiting()) {
        waiting.pop();
        ring.add(first.value);
      }
      return ring;
    },
    full(provider) {
      ring.delete(provider);
      full.add(provider);
    },
    served(provider, nextDueAt, at) {
      ring.delete(provider);
      provider.nextDueAt = nextDueAt;
      if (nextDueAt <= at) ring.add(provider);
      else if (nextDueAt < Number.POSITIVE_INFINITY) waiting.push(nextDueAt, provider);
    },
    nextDueAt: () => firstWaiting()?.rank,
    stirred() {
      const was = stirred;
      stirred = false;
      return was;
    },
  };
}
