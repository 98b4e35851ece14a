import { setInterval } from 'node:timers';

/*
 * Runs inside the process under test (`node --import`). Every few milliseconds it looks for how long the event loop was away,
 * and how much of that the thread spent itself: on a busy machine a process also waits for its turn. It answers each message
 * with the longest absence since the message before, and the memory of the process.
 */

export interface Probe {
  /** The longest time that the event loop was away because of its own work, in ms of processor time. */
  readonly heldMs: number;
  readonly rssBytes: number;
}

const EVERY_MS = 5;

let at = performance.now();
let spent = process.threadCpuUsage();
let heldMs = 0;

setInterval(() => {
  const { user, system } = process.threadCpuUsage(spent);
  heldMs = Math.max(heldMs, Math.min((user + system) / 1000, performance.now() - at));
  at = performance.now();
  spent = process.threadCpuUsage();
}, EVERY_MS).unref();

process.on('message', () => {
  process.send?.({ heldMs, rssBytes: process.memoryUsage.rss() } satisfies Probe);
  heldMs = 0;
});
process.on('disconnect', () => process.exit()); // the test was ended
process.channel?.unref();
