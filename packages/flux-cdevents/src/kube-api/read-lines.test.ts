import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readLines } from './read-lines.ts';

async function linesOf(chunks: readonly Uint8Array[]): Promise<string[]> {
  const lines: string[] = [];
  const stream = (async function* () {
    yield* chunks;
  })();
  for await (const line of readLines(stream)) lines.push(line);
  return lines;
}

it('finds the same lines wherever the stream is cut, within a character too', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''))),
      fc.array(fc.nat(200)),
      async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(await linesOf(chunks)).toEqual(lines);
      },
    ),
  );
});

it('leaves out what broke off', async () =>
  expect(await linesOf([Buffer.from('{}\n{"a'), Buffer.from('":')])).toEqual(['{}']));

it('refuses a line without end', async () => {
  const megabyte = Buffer.alloc(2 ** 20, 'x');
  await expect(linesOf(Array.from({ length: 17 }, () => megabyte))).rejects.toThrow(RangeError);
});
