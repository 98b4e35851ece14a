import { setTimeout as delay } from 'node:timers/promises';

/** Waits between attempts: 0.8 s after the first failure, doubling up to 30 s, as client-go's reflector does. */
export interface Backoff {
  /** One more failure: the wait before the next attempt, in ms, half of it random so that replicas spread. */
  next(): number;
  reset(): void;
}

const FIRST_MS = 800;
const MAX_MS = 30_000;

/** @param random in [0, 1) */
export function createBackoff(random: () => number = Math.random): Backoff {
  let failures = 0;
  return {
    next() {
      const ms = Math.min(FIRST_MS * 2 ** failures, MAX_MS);
      failures = Math.min(failures + 1, 10);
      return ms * (0.5 + random() / 2);
    },
    reset() {
      failures = 0;
    },
  };
}

/** Sleeps, and wakes early and silently when the signal aborts. */
export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {});
