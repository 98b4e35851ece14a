import { expect, it } from 'vitest';
import { createBackoff } from './backoff.ts';

it('doubles up to half a minute, and begins anew', () => {
  const backoff = createBackoff(() => 1);
  expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([
    800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000,
  ]);
  backoff.reset();
  expect(backoff.next()).toBe(800);
});

it('leaves half of it to chance', () => expect(createBackoff(() => 0).next()).toBe(400));
