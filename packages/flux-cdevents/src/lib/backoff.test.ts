import { expect, it } from 'vitest';
import { createBackoff } from './backoff.ts';

const wait = { firstMs: 800, maxMs: 30_000 };

it('doubles up to the longest wait, and begins anew', () => {
  const backoff = createBackoff({ ...wait, random: () => 1 });
  expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([
    800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000,
  ]);
  backoff.reset();
  expect(backoff.next()).toBe(800);
});

it('leaves half of it to chance', () => expect(createBackoff({ ...wait, random: () => 0 }).next()).toBe(400));
