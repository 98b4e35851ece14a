import { expect, it } from 'vitest';
import { describeFuzz, runFuzz } from './fuzz/run-fuzz.ts';

it('no request makes the server fail, hang or lose its event loop', async () => {
  const result = await runFuzz(1_500, Date.now());
  expect(result.failures, describeFuzz(result)).toEqual([]);
  expect(result.unexpectedLines).toEqual([]);
  expect(result.alive).toBe(true);
  expect(result.goodEvents).not.toContain(false);
  expect(result.tenths.length).toBeGreaterThan(8);
}, 120_000);
