import { describe, expect, it } from 'vitest';
import { type Job, MAX_BATCH_COUNT, MAX_BATCH_LENGTH, takeNext } from './lane.ts';

const aJob = (id: string, { single = false, ...entry }: Record<string, unknown> = {}): Job =>
  ({ single, leaseEndsAt: 0, entry: { id, type: 'dev.cdevents.x', message: '{}', attempts: 0, ...entry } }) as Job;
const lane = (contentMode: string, queue: Job[]) =>
  ({ queue, provider: { options: { contentMode } } }) as unknown as Parameters<typeof takeNext>[0];
const takeAll = (from: Parameters<typeof takeNext>[0]): string[] => {
  const taken = [];
  while (from.queue.length > 0)
    taken.push(
      takeNext(from)
        .map(({ entry }) => entry.id)
        .join('+'),
    );
  return taken;
};

describe('takeNext', () => {
  it('takes one at a time', () => {
    expect(takeAll(lane('binary', [aJob('a'), aJob('b')]))).toEqual(['a', 'b']);
    expect(takeNext(lane('batched', []))).toEqual([]);
  });

  it('takes batches of those that may go together', () => {
    const queue = [
      aJob('a'),
      aJob('b'),
      aJob('mapped-later', { message: undefined }),
      aJob('c'),
      aJob('raw', { type: 'flux' }),
      aJob('d', { single: true }),
      aJob('e', { attempts: 3 }),
      aJob('f', { attempts: 2 }),
      aJob('g'),
    ];
    expect(takeAll(lane('batched', queue))).toEqual(['a+b', 'mapped-later', 'c', 'raw', 'd', 'e', 'f+g']);
  });

  it('keeps a batch within its limits', () => {
    const many = Array.from({ length: MAX_BATCH_COUNT + 1 }, (_, i) => aJob(String(i)));
    expect(takeNext(lane('batched', many))).toHaveLength(MAX_BATCH_COUNT);
    const large = 'x'.repeat(MAX_BATCH_LENGTH / 2);
    const queue = ['a', 'b', 'c'].map((id) => aJob(id, { message: large }));
    expect(takeAll(lane('batched', queue))).toEqual(['a+b', 'c']);
    expect(takeAll(lane('batched', [aJob('huge', { message: `${large}${large}x` }), aJob('a')]))).toEqual([
      'huge',
      'a',
    ]);
  });
});
