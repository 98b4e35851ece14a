import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeliveryOutcome } from '../transport/transport.ts';
import { settle } from './settle.ts';

const NOW = 1_000_000;
const anEntry = { id: 'e', leaseId: 'l', attempts: 0, expiresAt: NOW + 3_600_000 };
const retryable = (more: object = {}): DeliveryOutcome => ({
  status: 'retryable',
  code: '503',
  error: 'busy',
  ...more,
});
const settled = (outcome: DeliveryOutcome, entry: Partial<typeof anEntry> = {}, random = 0) => {
  const { id, leaseId, at, ...rest } = settle({ ...anEntry, ...entry }, outcome, { now: NOW, random });
  expect({ id, leaseId, at }).toEqual({ id: 'e', leaseId: 'l', at: NOW });
  return rest;
};
const retryIn = (ms: number) => ({ outcome: 'retry', dueAt: NOW + ms, error: 'busy' });

describe('settle', () => {
  it('delivers', () => {
    expect(settled({ status: 'delivered', code: '202' })).toEqual({ outcome: 'delivered' });
  });

  it('makes a rejection a dead letter', () => {
    const rejected: DeliveryOutcome = { status: 'rejected', code: '400', error: 'answered 400 Bad Request' };
    expect(settled(rejected)).toEqual({ outcome: 'dead-letter', error: 'answered 400 Bad Request' });
    expect(settled({ ...rejected, stop: true })).toMatchObject({ outcome: 'dead-letter' });
  });

  it.each([
    ['backs off', {}, { attempts: 0 }, 1000],
    ['backs off more', {}, { attempts: 3 }, 8000],
    ['waits as long as it is asked to', { retryAfterMs: 90_000 }, { attempts: 3 }, 90_000],
    ['waits less when it is asked to', { retryAfterMs: 2000 }, { attempts: 8 }, 2000],
    ['does not spin', { retryAfterMs: 0 }, {}, 1000],
    ['is slow about Secrets', { slow: true }, {}, 240_000],
    ['is as slow or fast about Secrets as it is asked to', { slow: true, retryAfterMs: 5000 }, {}, 5000],
    ['makes a last attempt when the entry expires', { slow: true }, { expiresAt: NOW + 7 }, 7],
    ['makes a last attempt before a later Retry-After', { retryAfterMs: 1e9 }, { expiresAt: NOW + 60_000 }, 60_000],
  ])('%s', (_, outcome, entry, ms) => {
    expect(settled(retryable(outcome), entry)).toEqual(retryIn(ms));
  });

  it.each([0, -1, -1e9])('gives up after the last attempt (%i ms)', (ms) => {
    expect(settled(retryable(), { attempts: 4, expiresAt: NOW + ms })).toEqual({
      outcome: 'dead-letter',
      error: 'not delivered within its max-age, after 5 attempts; last error: busy',
    });
  });

  it('never retries after the entry expired, nor at once', () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.integer({ min: -10_000, max: 100_000_000 }),
        fc.option(fc.nat(100_000_000), { nil: undefined }),
        fc.boolean(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempts, ttl, retryAfterMs, slow, random) => {
          const outcome = retryable({ ...(retryAfterMs !== undefined && { retryAfterMs }), slow });
          const result = settle({ ...anEntry, attempts, expiresAt: NOW + ttl }, outcome, { now: NOW, random });
          if (result.outcome !== 'retry') {
            expect(ttl).toBeLessThanOrEqual(0);
            return;
          }
          expect(result.dueAt).toBeLessThanOrEqual(NOW + ttl);
          expect(result.dueAt).toBeGreaterThanOrEqual(NOW + Math.min(1000, ttl));
        },
      ),
    );
  });
});
