import { setTimeout as delay } from 'node:timers/promises';

/** Sleeps, and wakes early when the signal aborts, without an error. */
export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {});
