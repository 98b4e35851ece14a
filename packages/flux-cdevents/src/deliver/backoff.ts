/** The shortest wait before another attempt, even when the receiver asks for none. */
export const MIN_DELAY_MS = 1000;
export const MAX_DELAY_MS = 600_000;

/**
 * How long to wait after a failed attempt: from 1 s, doubling, to 10 min. Up to half as much again is added by
 * chance, within the 10 min, so that a receiver coming back is not met by every entry at once.
 * @param failures failed attempts so far, from 1
 * @param random in [0, 1)
 * @throws {RangeError} when `failures` is below 1
 */
export function backoffMs(failures: number, random: number): number {
  if (failures < 1) throw new RangeError(`failures: expected 1 or more, got ${failures}`);
  const base = Math.min(MIN_DELAY_MS * 2 ** (failures - 1), MAX_DELAY_MS / 1.5);
  return Math.round(base * (1 + random / 2));
}

/** How long to wait when somebody has to change a Secret first: 4 to 6 min. */
export const slowDelayMs = (random: number): number => Math.round(240_000 + 120_000 * random);
