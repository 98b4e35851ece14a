import { expect, it } from 'vitest';
import { parseGoDuration } from './go-duration.ts';

it.each([
  ['15s', 15_000],
  ['1m30s', 90_000],
  ['1h', 3_600_000],
  ['1.5h', 5_400_000],
  ['250ms', 250],
  ['.5s', 500],
  ['1.s', 1000],
  ['100µs', 0.1],
  ['100us', 0.1],
  ['5000000ns', 5],
  ['0', 0],
  ['-2m', -120_000],
  ['+1s', 1000],
])('%s is %d ms', (text, ms) => expect(parseGoDuration(text)).toBeCloseTo(ms, 6));

it.each(['', '5', '1d', '1 s', 's', '1h 30m', '.s', '1e3s', '--1s', 'NaN'])('%j is not a duration', (text) =>
  expect(parseGoDuration(text)).toBeUndefined(),
);
