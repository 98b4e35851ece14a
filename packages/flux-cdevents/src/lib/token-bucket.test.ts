import { expect, it } from 'vitest';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

/** Takes so many at once. @returns those that had passed after one turn of the event loop, and later ones */
async function takenAtOnce(bucket: TokenBucket, count: number): Promise<number[]> {
  const passed: number[] = [];
  for (let index = 0; index < count; index++) void bucket.take().then(() => passed.push(index));
  await new Promise((resolve) => setImmediate(resolve));
  return passed;
}

it('allows a burst, then one in each interval, in order', async () => {
  const bucket = createTokenBucket({ intervalMs: 100, burst: 3 });
  const begun = performance.now();
  const passed = await takenAtOnce(bucket, 6);
  expect(passed).toEqual([0, 1, 2]);
  await bucket.take();
  expect(passed).toEqual([0, 1, 2, 3, 4, 5]);
  expect(performance.now() - begun).toBeGreaterThan(395); // the seventh comes after four intervals
});

it('has its burst again after a rest, and no more', async () => {
  let now = 0;
  const bucket = createTokenBucket({ intervalMs: 100, burst: 2 }, () => now);
  expect(await takenAtOnce(bucket, 3)).toEqual([0, 1]);
  now = 60_000;
  expect(await takenAtOnce(bucket, 3)).toEqual([0, 1]);
});

it('waits no longer than the signal', async () => {
  const bucket = createTokenBucket({ intervalMs: 1_000_000, burst: 1 });
  await bucket.take();
  await expect(bucket.take(AbortSignal.timeout(10))).rejects.toThrow();
});

it('says at once whether a token is left', () => {
  let now = 0;
  const bucket = createTokenBucket({ burst: 2, intervalMs: 1000 }, () => now);
  const tryThree = () => [bucket.tryTake(), bucket.tryTake(), bucket.tryTake()];
  expect(tryThree()).toEqual([true, true, false]);
  now = 1000;
  expect(tryThree()).toEqual([true, false, false]);
});
