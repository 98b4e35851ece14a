import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attemptDelayMs,
  MAX_DELAY_MS,
  MIN_DELAY_MS,
  probeDelayMs,
  retryDelayMs,
  slowDelayMs,
  storeDelayMs,
} from './retry-delay.ts';

describe('attemptDelayMs', () => {
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
    expect(attemptDelayMs(failures, random)).toBe(ms);
  });

  it('stays between 1 s and 10 min, and does not shrink', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), chance, (failures, random) => {
        const ms = attemptDelayMs(failures, random);
        expect(ms).toBeGreaterThanOrEqual(MIN_DELAY_MS);
        expect(ms).toBeLessThanOrEqual(MAX_DELAY_MS);
        expect(attemptDelayMs(failures + 1, random)).toBeGreaterThanOrEqual(ms);
      }),
    );
  });

  it('is for failures', () => {
    expect(() => attemptDelayMs(0, 0)).toThrow(RangeError);
  });
});

it('waits about 5 min for a person', () => {
  expect([0, 0.5, 1].map(slowDelayMs)).toEqual([240_000, 300_000, 360_000]);
});

it('probes a receiver at least every 5 s', () => {
  expect([1, 2, 3, 4].map((probe) => probeDelayMs(probe, 0))).toEqual([1000, 2000, 3333, 3333]);
  expect(probeDelayMs(1000, 0.999)).toBeLessThanOrEqual(5000);
});

it('tries the store again sooner than a receiver', () => {
  expect([1, 2, 3, 4, 5].map((failures) => storeDelayMs(failures, 0))).toEqual([250, 500, 1000, 2000, 4000]);
  expect(storeDelayMs(1000, 0.999)).toBeLessThanOrEqual(10_000);
});

describe('retryDelayMs', () => {
  it.each([
    ['backs off', {}, 1, 1000],
    ['backs off more', {}, 4, 8000],
    ['waits as long as it is asked to', { retryAfterMs: 90_000 }, 4, 90_000],
    ['waits less when it is asked to', { retryAfterMs: 2000 }, 9, 2000],
    ['does not spin', { retryAfterMs: 0 }, 1, 1000],
    ['is slow about Secrets', { slow: true }, 1, 240_000],
    ['is as slow or fast about Secrets as it is asked to', { slow: true, retryAfterMs: 5000 }, 1, 5000],
  ])('%s', (_, outcome, failures, ms) => {
    expect(retryDelayMs({ status: 'retryable', code: '503', error: 'busy', ...outcome }, failures, 0)).toBe(ms);
  });
});
