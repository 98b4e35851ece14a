/**
 * The time since the start of the process, added to what the system clock said then, in epoch ms. It goes forward at an
 * even pace: somebody who sets the system clock changes nothing. Use it for everything that is due, expires or ages.
 */
export const steadyNow = (): number => Math.floor(performance.timeOrigin + performance.now());
