import { describe, expect, it } from 'vitest';
import type { DeliveryOutcome } from '../transport/transport.ts';
import { isSplit, MAX_BATCH_COUNT, MAX_BATCH_LENGTH, takeBatch } from './batch.ts';
import type { Lease } from './lanes.ts';

const aLease = (id: string, { alone = false, ...entry }: Record<string, unknown> = {}): Lease =>
  ({
    alone,
    claimedAt: 0,
    endsAt: 0,
    entry: { id, kind: 'cdevent', message: '{}', attempts: 0, ...entry },
  }) as Lease;
const takeAll = (contentMode: 'binary' | 'batched', queue: Lease[]): string[] => {
  const taken = [];
  while (queue.length > 0)
    taken.push(
      takeBatch(queue, contentMode)
        .map(({ entry }) => entry.id)
        .join('+'),
    );
  return taken;
};

describe('takeBatch', () => {
  it('takes one at a time', () => {
    expect(takeAll('binary', [aLease('a'), aLease('b')])).toEqual(['a', 'b']);
    expect(takeBatch([], 'batched')).toEqual([]);
  });

  it('takes batches of those that may go together', () => {
    const queue = [
      aLease('a'),
      aLease('b'),
      aLease('mapped-later', { message: undefined }),
      aLease('c'),
      aLease('raw', { kind: 'flux' }),
      aLease('forwarded', { kind: 'forward' }),
      aLease('d', { alone: true }),
      aLease('e', { attempts: 3 }),
      aLease('f', { attempts: 2 }),
      aLease('g'),
    ];
    expect(takeAll('batched', queue)).toEqual(['a+b', 'mapped-later', 'c', 'raw', 'forwarded', 'd', 'e', 'f+g']);
  });

  it('keeps a batch within its limits', () => {
    const many = Array.from({ length: MAX_BATCH_COUNT + 1 }, (_, i) => aLease(String(i)));
    expect(takeBatch(many, 'batched')).toHaveLength(MAX_BATCH_COUNT);
    const large = 'x'.repeat(MAX_BATCH_LENGTH / 2);
    const queue = ['a', 'b', 'c'].map((id) => aLease(id, { message: large }));
    expect(takeAll('batched', queue)).toEqual(['a+b', 'c']);
    expect(takeAll('batched', [aLease('huge', { message: `${large}${large}x` }), aLease('a')])).toEqual(['huge', 'a']);
  });
});

describe('isSplit', () => {
  const rejected = (code: string, stop = false): DeliveryOutcome => ({ status: 'rejected', code, error: '', stop });
  it.each<[string, number, DeliveryOutcome, boolean]>([
    ['a batch that is rejected', 2, rejected('422'), true],
    ['a single entry that is rejected', 1, rejected('422'), false],
    ['a batch that is redirected', 2, rejected('301'), false],
    ['a batch that cannot be sent', 2, rejected('message'), false],
    ['a batch whose receiver is gone', 2, rejected('410', true), false],
    ['a batch that failed', 2, { status: 'retryable', code: '503', error: '' }, false],
    ['a batch that was delivered', 2, { status: 'delivered', code: '202' }, false],
  ])('%s', (_, count, outcome, split) => {
    expect(isSplit(count, outcome)).toBe(split);
  });
});
