import { expect, it } from 'vitest';
import { describeFuzz, runFuzz } from '../../packages/flux-cdevents/test/fuzz/run-fuzz.ts';

const INPUTS = Number(process.env.FUZZ_INPUTS ?? 100_000);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now());

/** How much the memory of the server may grow in the second half of the run. */
const MAX_GROWTH_MIB = 60;
/** For how long the event loop may be away, in ms of a quiet machine. */
const MAX_HELD_MS = 100;

it(`${INPUTS.toLocaleString('en-US')} requests, whatever they hold, make the server neither fail nor hang`, async () => {
  const result = await runFuzz(INPUTS, SEED);
  process.stdout.write(`seed ${SEED}\n${describeFuzz(result)}\n`);

  expect(result.failures).toEqual([]);
  expect(result.unexpectedLines).toEqual([]);
  expect(result.alive).toBe(true);
  expect(result.goodEvents).toEqual(Array(result.tenths.length).fill(true));

  const { tenths } = result;
  expect(Math.max(...tenths.map(({ heldMs }) => heldMs))).toBeLessThan(MAX_HELD_MS);
  const half = tenths[Math.floor(tenths.length / 2) - 1]?.rssMiB ?? 0;
  expect((tenths.at(-1)?.rssMiB ?? 0) - half).toBeLessThan(MAX_GROWTH_MIB);
}, 900_000);
