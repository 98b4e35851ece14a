import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, createBackoff } from './backoff.ts';

describe('backoffMs', () => {
  it.each([
    [1, 0, { firstMs: 100, maxMs: 3000, jitter: 0.5 }, 100],
    [1, 0.5, { firstMs: 100, maxMs: 3000, jitter: 0.5 }, 125],
    [4, 0, { firstMs: 100, maxMs: 3000, jitter: 0.5 }, 800],
    [4, 0.5, { firstMs: 100, maxMs: 3000, jitter: 1 }, 1200],
    [4, 0.5, { firstMs: 100, maxMs: 3000, jitter: 0 }, 800],
    [50, 0, { firstMs: 100, maxMs: 3000, jitter: 0.5 }, 2000],
    [50, 0.999, { firstMs: 100, maxMs: 3000, jitter: 0.5 }, 2999],
    [2000, 0, { firstMs: 100, maxMs: 3000, jitter: 1 }, 1500],
  ])('after %i failures with %d by chance and %j: %i ms', (failures, random, limits, ms) => {
    expect(backoffMs(failures, random, limits)).toBe(ms);
  });

  it('stays within its limits, and does not shrink', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const limits = fc.record({
      firstMs: fc.integer({ min: 1, max: 1000 }),
      maxMs: fc.integer({ min: 2000, max: 1_000_000 }),
      jitter: fc.constantFrom(0, 0.5, 1),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), chance, limits, (failures, random, limit) => {
        const ms = backoffMs(failures, random, limit);
        expect(ms).toBeGreaterThanOrEqual(limit.firstMs);
        expect(ms).toBeLessThanOrEqual(limit.maxMs);
        expect(backoffMs(failures + 1, random, limit)).toBeGreaterThanOrEqual(ms);
      }),
    );
  });

  it('is for failures', () => {
    expect(() => backoffMs(0, 0, { firstMs: 1, maxMs: 2, jitter: 0 })).toThrow(RangeError);
  });
});

describe('createBackoff', () => {
  const limits = { firstMs: 400, maxMs: 30_000, jitter: 1 };

  it('doubles up to the longest wait, and starts again', () => {
    const backoff = createBackoff(limits, () => 1);
    expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([
      800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000,
    ]);
    backoff.reset();
    expect(backoff.next()).toBe(800);
  });

  it('leaves half of it to chance', () => expect(createBackoff(limits, () => 0).next()).toBe(400));
});
