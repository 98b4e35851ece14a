import { expect, it } from 'vitest';
import { createRateLimiter } from './rate-limit.ts';

/** Asks so many times at once, and says who had passed after so many turns of the event loop. */
async function passedAtOnce(limiter: ReturnType<typeof createRateLimiter>, count: number): Promise<number[]> {
  const passed: number[] = [];
  for (let index = 0; index < count; index++) void limiter.take().then(() => passed.push(index));
  await new Promise((resolve) => setImmediate(resolve));
  return passed;
}

it('lets a burst through, then so many a second, in order', async () => {
  const limiter = createRateLimiter({ qps: 100, burst: 3 });
  const begun = performance.now();
  const passed = await passedAtOnce(limiter, 6);
  expect(passed).toEqual([0, 1, 2]);
  await limiter.take();
  expect(passed).toEqual([0, 1, 2, 3, 4, 5]);
  expect(performance.now() - begun).toBeGreaterThan(35); // the seventh comes after four intervals
});

it('has its burst again after a rest, and no more', async () => {
  let now = 0;
  const limiter = createRateLimiter({ qps: 10, burst: 2 }, () => now);
  expect(await passedAtOnce(limiter, 3)).toEqual([0, 1]);
  now = 60_000;
  expect(await passedAtOnce(limiter, 3)).toEqual([0, 1]);
});

it('waits no longer than the signal', async () => {
  const limiter = createRateLimiter({ qps: 0.001, burst: 1 });
  await limiter.take();
  await expect(limiter.take(AbortSignal.timeout(10))).rejects.toThrow();
});
