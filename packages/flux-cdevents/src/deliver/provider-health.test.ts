import { describe, expect, it } from 'vitest';
import type { DeliveryOutcome } from '../transport/transport.ts';
import { afterChange, assess, healthy, isDown, MAX_REST_MS, type ProviderHealth } from './provider-health.ts';

type Retryable = Extract<DeliveryOutcome, { status: 'retryable' }>;

const delivered: DeliveryOutcome = { status: 'delivered', code: '202' };
const rejected: DeliveryOutcome = { status: 'rejected', code: '400', error: '' };
const gone: DeliveryOutcome = { status: 'rejected', code: '410', error: '', stop: true };
const failed: DeliveryOutcome = { status: 'retryable', code: '503', error: '' };

const after = (health: ProviderHealth, outcome: DeliveryOutcome, now: number) =>
  assess(health, outcome, { now, random: 0, threshold: 3 });
const fail = (health: ProviderHealth, now: number, more: Partial<Retryable> = {}) =>
  after(health, { status: 'retryable', code: '503', error: '', ...more }, now).health;
const reject = (health: ProviderHealth, now: number) => after(health, rejected, now).health;
const succeed = (health: ProviderHealth, now: number) => after(health, delivered, now).health;
const down = (now: number) => [1, 2, 3].reduce((health) => fail(health, now), healthy);

describe('health', () => {
  it('fails with the first failure or rejection, and recovers with a success some time later', () => {
    expect(fail(healthy, 1000)).toMatchObject({ failing: true, restsUntil: 0 });
    expect(reject(healthy, 1000)).toMatchObject({ failing: true, failures: 0 });
    expect(succeed(fail(healthy, 1000), 2000)).toMatchObject({ failing: false, failures: 0 });
    expect(succeed(healthy, 1)).toBe(healthy);
  });

  it('does not recover between failures that come close to each other', () => {
    const once = succeed(fail(healthy, 1000), 1100);
    expect(once).toMatchObject({ failing: true, failures: 0 });
    expect(succeed(once, 1600)).toMatchObject({ failing: false });
  });

  it('rests after so many failures in a row, longer each time', () => {
    let health = down(1000);
    expect(health).toMatchObject({ restsUntil: 2000, downSince: 1000 });
    expect(isDown(health)).toBe(true);
    health = fail(health, 2000);
    expect(health).toMatchObject({ restsUntil: 4000, downSince: 1000 });
    for (let i = 0; i < 20; i++) health = fail(health, health.restsUntil);
    expect(health.restsUntil - health.lastFailureAt).toBe(MAX_REST_MS);
    expect(succeed(health, health.restsUntil)).toMatchObject({ restsUntil: 0, rests: 0, downSince: 0 });
  });

  it('does not rest longer because of requests in flight when it began to rest', () => {
    expect(fail(down(1000), 1500)).toMatchObject({ restsUntil: 2000, rests: 1 });
  });

  it('does not rest when failures and successes alternate', () => {
    let health = healthy;
    for (let i = 0; i < 20; i++) health = succeed(fail(fail(health, i), i), i);
    expect(isDown(health)).toBe(false);
  });

  it('rests at once when the receiver asks for it, within limits', () => {
    expect(fail(healthy, 1000, { retryAfterMs: 60_000 }).restsUntil).toBe(61_000);
    expect(fail(healthy, 1000, { retryAfterMs: 0 }).restsUntil).toBe(2000);
    expect(fail(healthy, 1000, { retryAfterMs: 86_400_000 }).restsUntil).toBe(601_000);
    expect(isDown(fail(healthy, 1000, { code: '404', retryAfterMs: 60_000 }))).toBe(false);
  });

  it('of a changed Provider has no rest, and is still failing until it delivers', () => {
    expect(afterChange(down(1000))).toEqual({ ...healthy, failing: true, lastFailureAt: 1000 });
    expect(afterChange(healthy)).toEqual(healthy);
  });
});

describe('the change to report', () => {
  const failing = fail(healthy, 1000);
  it.each<[string, ProviderHealth, DeliveryOutcome, number, string | undefined, boolean]>([
    ['a success of a healthy Provider', healthy, delivered, 1000, undefined, false],
    ['the first failure', healthy, failed, 1000, 'failing', false],
    ['the first rejection', healthy, rejected, 1000, 'failing', false],
    ['another failure', failing, failed, 2000, undefined, false],
    ['another rejection', failing, rejected, 2000, undefined, false],
    ['a success right after a failure', failing, delivered, 1499, undefined, false],
    ['a success some time after a failure', failing, delivered, 1500, 'recovered', false],
    ['410 of a healthy Provider', healthy, gone, 1000, 'stopped', false],
    ['410 of a failing Provider', failing, gone, 2000, 'stopped', false],
    ['the failure that brings it down', fail(failing, 1000), failed, 1000, undefined, false],
    ['a success after it was down for a moment', down(1000), delivered, 10_999, 'recovered', false],
    ['a success after it was down for long', down(1000), delivered, 11_000, 'recovered', true],
  ])('of %s', (_, before, outcome, now, change, wake) => {
    const assessment = after(before, outcome, now);
    expect([assessment.change, assessment.wake]).toEqual([change, wake]);
  });
});
