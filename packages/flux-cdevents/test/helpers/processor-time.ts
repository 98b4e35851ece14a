import { setImmediate as nextTurn } from 'node:timers/promises';

/** What a fixed piece of work takes on a machine that has nothing else to do, in ms. */
const QUIET_MS = 25;

/** Work that no compiler leaves out: about 25 ms on a processor of 2024. */
function fixedWork(): number {
  let sum = 0;
  for (let index = 0; index < 12_000_000; index++) sum = (sum * 31 + index) | 0;
  return sum;
}

/** The processor time that this thread spends on a function, in ms. What other threads and processes take does not count. */
function processorTimeOf(run: () => unknown): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/**
 * How long a function would hold the event loop of a quiet machine, in ms: its processor time, scaled by what a fixed piece of
 * work takes now. The smallest of three runs counts, so that a collection of garbage does not.
 */
export function millisecondsOf(run: () => unknown): number {
  return leastOfThree(run) / slowness();
}

/**
 * The longest turn of the event loop while something happens that is not awaited in one piece, in ms of a quiet machine as for
 * `millisecondsOf`.
 */
export async function longestTurnOf(run: () => Promise<unknown>): Promise<number> {
  let done = false;
  let longest = 0;
  const running = run().finally(() => {
    done = true;
  });
  while (!done) {
    const before = process.threadCpuUsage();
    await nextTurn();
    const { user, system } = process.threadCpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
  }
  await running;
  return longest / slowness();
}

const leastOfThree = (run: () => unknown) => Math.min(...[1, 2, 3].map(() => processorTimeOf(run)));

export const slowness = (): number => Math.max(1, leastOfThree(fixedWork) / QUIET_MS);
