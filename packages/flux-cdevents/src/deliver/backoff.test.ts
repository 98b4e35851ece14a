import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, MAX_DELAY_MS, MIN_DELAY_MS, slowDelayMs } from './backoff.ts';

describe('backoffMs', () => {
  it.each([
    [1, 0, 1000],
    [1, 0.5, 1250],
    [2, 0, 2000],
    [5, 0, 16_000],
    [5, 0.999, 23_992],
    [9, 0, 256_000],
    [10, 0, 400_000],
    [11, 0.5, 500_000],
    [2000, 0, 400_000],
  ])('after %i failures with %d by chance: %i ms', (failures, random, ms) => {
    expect(backoffMs(failures, random)).toBe(ms);
  });

  it('stays between 1 s and 10 min, and does not shrink', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), chance, (failures, random) => {
        const ms = backoffMs(failures, random);
        expect(ms).toBeGreaterThanOrEqual(MIN_DELAY_MS);
        expect(ms).toBeLessThanOrEqual(MAX_DELAY_MS);
        expect(backoffMs(failures + 1, random)).toBeGreaterThanOrEqual(ms);
      }),
    );
  });

  it('is for failures', () => {
    expect(() => backoffMs(0, 0)).toThrow(RangeError);
  });
});

it('waits about 5 min for a person', () => {
  expect([0, 0.5, 1].map(slowDelayMs)).toEqual([240_000, 300_000, 360_000]);
});
