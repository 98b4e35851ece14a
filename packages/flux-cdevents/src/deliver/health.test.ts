import { describe, expect, it } from 'vitest';
import type { DeliveryOutcome } from '../transport/transport.ts';
import { afterFailure, afterRejection, afterSuccess, type Health, healthy, isDown, MAX_PAUSE_MS } from './health.ts';

const fail = (health: Health, now: number, more: Partial<Extract<DeliveryOutcome, { status: 'retryable' }>> = {}) =>
  afterFailure(health, { status: 'retryable', code: '503', error: '', ...more }, { now, random: 0, threshold: 3 });

const down = (now: number) => [1, 2, 3].reduce((health) => fail(health, now), healthy);

describe('health', () => {
  it('fails with the first failure or rejection, and recovers with a success some time later', () => {
    expect(fail(healthy, 1000)).toMatchObject({ failing: true, pausedUntil: 0 });
    expect(afterRejection(healthy, 1000)).toMatchObject({ failing: true, failures: 0 });
    expect(afterSuccess(fail(healthy, 1000), 2000)).toMatchObject({ failing: false, failures: 0 });
    expect(afterSuccess(healthy, 1)).toBe(healthy);
  });

  it('does not recover between failures that come close to each other', () => {
    const once = afterSuccess(fail(healthy, 1000), 1100);
    expect(once).toMatchObject({ failing: true, failures: 0 });
    expect(afterSuccess(once, 1600)).toMatchObject({ failing: false });
  });

  it('rests after so many failures in a row, longer each time', () => {
    let health = down(1000);
    expect(health).toMatchObject({ pausedUntil: 2000, downSince: 1000 });
    expect(isDown(health)).toBe(true);
    health = fail(health, 2000);
    expect(health).toMatchObject({ pausedUntil: 4000, downSince: 1000 });
    for (let i = 0; i < 20; i++) health = fail(health, health.pausedUntil);
    expect(health.pausedUntil - health.lastFailureAt).toBe(MAX_PAUSE_MS);
    expect(afterSuccess(health, health.pausedUntil)).toMatchObject({ pausedUntil: 0, pauses: 0, downSince: 0 });
  });

  it('does not rest longer for what was in flight when it began to rest', () => {
    expect(fail(down(1000), 1500)).toMatchObject({ pausedUntil: 2000, pauses: 1 });
  });

  it('does not rest when failures and successes alternate', () => {
    let health = healthy;
    for (let i = 0; i < 20; i++) health = afterSuccess(fail(fail(health, i), i), i);
    expect(isDown(health)).toBe(false);
  });

  it('rests at once when it is asked to, within limits', () => {
    expect(fail(healthy, 1000, { retryAfterMs: 60_000 }).pausedUntil).toBe(61_000);
    expect(fail(healthy, 1000, { retryAfterMs: 0 }).pausedUntil).toBe(2000);
    expect(fail(healthy, 1000, { retryAfterMs: 86_400_000 }).pausedUntil).toBe(601_000);
    expect(isDown(fail(healthy, 1000, { code: '404', retryAfterMs: 60_000 }))).toBe(false);
  });
});
