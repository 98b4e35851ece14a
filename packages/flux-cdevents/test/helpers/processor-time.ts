/** What a fixed piece of work takes on a machine that has nothing else to do, in ms. */
const QUIET_MS = 25;

/** Work that no compiler leaves out: about 25 ms on a processor of 2024. */
function fixedWork(): number {
  let sum = 0;
  for (let index = 0; index < 12_000_000; index++) sum = (sum * 31 + index) | 0;
  return sum;
}

/** The processor time that this process spends on a function, in ms. Time that other processes take does not count. */
function processorTimeOf(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * How long a function would hold the event loop of a quiet machine, in ms: its processor time, scaled by what a fixed piece of
 * work takes now. The smallest of three runs counts, so that a collection of garbage does not.
 */
export function millisecondsOf(run: () => unknown): number {
  const least = (of: () => unknown) => Math.min(...[1, 2, 3].map(() => processorTimeOf(of)));
  const slowness = Math.max(1, least(fixedWork) / QUIET_MS);
  return least(run) / slowness;
}
