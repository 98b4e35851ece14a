import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeliveryOutcome } from '../transport/transport.ts';
import { settlementOf } from './settle.ts';

const retryable = (more: object = {}): DeliveryOutcome => ({
  status: 'retryable',
  code: '503',
  error: 'busy',
  ...more,
});
const settled = (outcome: DeliveryOutcome, attempts = 0, random = 0, byChance = 0) => {
  const { id, leaseId, ...rest } = settlementOf({ id: 'e', leaseId: 'l', attempts }, outcome, random, byChance);
  expect({ id, leaseId }).toEqual({ id: 'e', leaseId: 'l' });
  return rest;
};

describe('settlementOf', () => {
  it('delivers', () => {
    expect(settled({ status: 'delivered', code: '202' })).toEqual({ outcome: 'delivered' });
  });

  it('makes a rejection a dead letter', () => {
    const rejected: DeliveryOutcome = { status: 'rejected', code: '400', error: 'answered 400 Bad Request' };
    expect(settled(rejected)).toEqual({ outcome: 'dead-letter', error: 'answered 400 Bad Request' });
    expect(settled({ ...rejected, stop: true })).toMatchObject({ outcome: 'dead-letter' });
  });

  it.each([
    ['backs off', {}, 0, 1000],
    ['backs off more', {}, 3, 8000],
    ['waits as long as it is asked to', { retryAfterMs: 90_000 }, 3, 90_000],
    ['waits less when it is asked to', { retryAfterMs: 2000 }, 8, 2000],
    ['does not spin', { retryAfterMs: 0 }, 0, 1000],
    ['is slow about Secrets', { slow: true }, 0, 240_000],
    ['is as slow or fast about Secrets as it is asked to', { slow: true, retryAfterMs: 5000 }, 0, 5000],
    ['leaves it to the store whether that is too late', { retryAfterMs: 1e9 }, 0, 1e9],
  ])('%s', (_, outcome, attempts, delayMs) => {
    expect(settled(retryable(outcome), attempts)).toEqual({ outcome: 'retry', delayMs, error: 'busy' });
  });

  it.each([
    ['is due after 1 s as long as its failures are as many as chance explains', 20, 1000],
    ['backs off by the others', 23, 8000],
  ])('%s', (_, attempts, delayMs) => {
    expect(settled(retryable(), attempts, 0, 20)).toMatchObject({ delayMs });
  });

  it('never retries at once', () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.option(fc.nat(100_000_000), { nil: undefined }),
        fc.boolean(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.nat(100),
        (attempts, retryAfterMs, slow, random, byChance) => {
          const outcome = retryable({ ...(retryAfterMs !== undefined && { retryAfterMs }), slow });
          const settlement = settled(outcome, attempts, random, byChance);
          expect('delayMs' in settlement && settlement.delayMs).toBeGreaterThanOrEqual(1000);
        },
      ),
    );
  });
});
