import { createMinHeap } from '../../../lib/min-heap.ts';
import type { ProviderQueue } from './providers.ts';

/**
 * Whose turn it is. Providers with something due stand in a ring, those with something due later in a heap, those with
 * as much under lease as they may have aside; the rest costs nothing. All of it is a hint, kept on the early side: a
 * claim looks into the file, and corrects it.
 */
export interface Turns {
  /** Something of the Provider falls due at `dueAt`. */
  touch(provider: ProviderQueue, dueAt: number): void;
  /** A lease of the Provider ended. */
  freed(provider: ProviderQueue): void;
  /** The Providers that may have something due, first in turn first. */
  due(at: number, perProvider: number): Iterable<ProviderQueue>;
  /** The Provider has as much under lease as it may have. */
  full(provider: ProviderQueue): void;
  /** The Provider was served; what is left of it falls due at `nextDueAt`. */
  served(provider: ProviderQueue, nextDueAt: number, at: number): void;
  /** When the first Provider that is not due yet has something due. */
  nextDueAt(): number | undefined;
  /** Whether something may be claimable, or is due earlier, than when this was last asked. */
  stirred(): boolean;
}

export function createTurns(): Turns {
  const ring = new Set<ProviderQueue>();
  const full = new Set<ProviderQueue>();
  const waiting = createMinHeap<ProviderQueue>();
  let fullAt = 0;
  let stirred = false;

  const isWaiting = (provider: ProviderQueue, dueAt: number): boolean =>
    provider.nextDueAt === dueAt && !ring.has(provider) && !full.has(provider);
  /** Drops what the heap holds of Providers that moved on. */
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
    due(at, perProvider) {
      if (perProvider !== fullAt) {
        for (const provider of full) ring.add(provider);
        full.clear();
        fullAt = perProvider;
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
