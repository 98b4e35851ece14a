import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeliveryOutcome } from '../transport/transport.ts';
import {
  afterChange,
  afterProbe,
  assess,
  failuresByChance,
  healthy,
  MAX_QUIET_MS,
  type ProviderHealth,
  placesOf,
  SUSPECT_MS,
  withoutEntries,
} from './provider-health.ts';

const CONCURRENT = 4;
/** So many failures in a row show that nothing gets through. */
const ROW = 3 * CONCURRENT;

const delivered: DeliveryOutcome = { status: 'delivered', code: '202' };
const rejected: DeliveryOutcome = { status: 'rejected', code: '400', error: '' };
const gone: DeliveryOutcome = { status: 'rejected', code: '410', error: '', stop: true };
const failed: DeliveryOutcome = { status: 'retryable', code: '500', error: '' };
const askedToWait: DeliveryOutcome = { status: 'retryable', code: '503', error: '', retryAfterMs: 600_000 };
const unauthorized: DeliveryOutcome = { status: 'retryable', code: '401', error: '', slow: true };

const after = (health: ProviderHealth, outcome: DeliveryOutcome, now = 1000, concurrent = CONCURRENT) =>
  assess(health, outcome, { now, random: 0, concurrent, inFlight: 1 });
/** The health after these outcomes, all at the same time. */
const healthAfter = (outcomes: readonly DeliveryOutcome[], before = healthy, now = 1000) =>
  outcomes.reduce((health, outcome) => after(health, outcome, now).health, before);
const times = (count: number, ...outcomes: DeliveryOutcome[]) => Array.from({ length: count }, () => outcomes).flat();
const down = (now = 1000) => healthAfter(times(ROW, failed), healthy, now);
/** A Provider that refuses nine of ten. */
const refusing = healthAfter(times(40, ...times(9, failed), delivered));

describe('a Provider from which nothing gets through', () => {
  it.each<[string, DeliveryOutcome[], ProviderHealth, boolean]>([
    ['fewer failures in a row than three times those in flight', times(ROW - 1, failed), healthy, false],
    ['three times as many failures in a row as are in flight', times(ROW, failed), healthy, true],
    ['failures that ask to wait', times(ROW, askedToWait), healthy, true],
    [
      'a success between the failures',
      [...times(ROW - 1, failed), delivered, ...times(ROW - 1, failed)],
      healthy,
      false,
    ],
    ['rejections, which the receiver decided', times(ROW * 10, rejected), healthy, false],
    ['failures in a row that its share of failures explains', times(100, failed), refusing, false],
    ['failures in a row that its share of failures does not explain', times(200, failed), refusing, true],
  ])('is down or not after %s', (_, outcomes, before, isDown) => {
    expect(healthAfter(outcomes, before).down).toBe(isDown);
  });

  it('is down after a few failures in a row when they are spread over 5 s', () => {
    const two = healthAfter([failed, failed]);
    expect(after(two, failed, 1000 + SUSPECT_MS).health.down).toBe(true);
    expect(after(two, unauthorized, 1000 + SUSPECT_MS).health.down).toBe(false);
    expect(after(refusing, failed, 1000 + SUSPECT_MS).health.down).toBe(false);
    expect(healthAfter([failed, failed, delivered, failed], healthy).down).toBe(false);
  });

  it('is probed 5 s after the first of at least three failures, although the entries are due later', () => {
    expect(healthAfter([askedToWait, askedToWait]).probeAt).toBe(0);
    const three = healthAfter(times(3, askedToWait));
    expect(three).toMatchObject({ down: false, probeAt: 1000 + SUSPECT_MS });
    expect(after(three, failed, 3000).health.probeAt).toBe(1000 + SUSPECT_MS);
    expect(after(three, delivered, 3000).health).toMatchObject({ probeAt: 0, down: false });
    expect(afterProbe(three, 6000, 0)).toMatchObject({ down: true, probeAt: 8000 });
  });

  it('is probed after 1 s, later and later, but always within 5 s, whatever the probes find', () => {
    let health = down();
    expect(health.probeAt).toBe(2000);
    const gaps = [];
    for (let i = 0; i < 6; i++) {
      const { probeAt } = health;
      health = after(afterProbe(health, probeAt, 0.999), askedToWait, probeAt + 100).health;
      gaps.push(health.probeAt - probeAt);
    }
    expect(gaps).toEqual([2999, 4998, 4998, 4998, 4998, 4998]);
  });

  it('is probed about every 5 min when somebody must change a Secret first', () => {
    const health = healthAfter(times(ROW, unauthorized));
    expect(health).toMatchObject({ down: true, probeAt: 241_000 });
    expect(after(afterProbe(health, 241_000, 0), unauthorized, 241_100).health.probeAt).toBe(481_100);
    expect(healthAfter(times(3, unauthorized)).probeAt).toBe(0);
  });

  it('goes on with one request in flight when a probe succeeds, and what waits is due', () => {
    const { health, wake } = after(afterProbe(down(), 2000, 0), delivered, 2100);
    expect(wake).toBe(true);
    expect(health).toMatchObject({ down: false, probeAt: 0, window: 1, failures: 0 });
    const windows = [];
    let next = health;
    for (let i = 0; i < 5; i++) {
      next = after(next, delivered, 2200).health;
      windows.push(next.window);
    }
    expect(windows).toEqual([2, 3, 4, 4, 4]);
  });

  it('goes on with one request more than those that still hang', () => {
    const context = { now: 2100, random: 0, concurrent: CONCURRENT, inFlight: 3 };
    expect(assess(afterProbe(down(), 2000, 0), delivered, context).health.window).toBe(3);
  });

  it('for which nothing waits is not probed, and is down again at the next failure', () => {
    const idle = withoutEntries(down());
    expect(idle).toMatchObject({ down: false, probeAt: 0, window: 1 });
    expect(after(idle, failed, 60_000).health).toMatchObject({ down: true, probeAt: 61_000 });
  });

  it('has no rest once it is changed, and is still failing until it delivers', () => {
    expect(afterChange(down())).toEqual({ ...healthy, failing: true, lastFailureAt: 1000 });
    expect(afterChange(healthy)).toEqual(healthy);
  });
});

describe('a Provider that refuses a part', () => {
  const outcome = fc.boolean().map((succeeds) => (succeeds ? delivered : failed));
  const concurrent = fc.integer({ min: 1, max: 64 });
  const steps = fc.array(fc.tuple(outcome, fc.nat(400)), { maxLength: 400 });

  it('has a window of at least one request and at most as many as may be in flight', () => {
    fc.assert(
      fc.property(steps, concurrent, (outcomes, places) => {
        let health = healthy;
        let now = 0;
        for (const [result, ms] of outcomes) {
          now += ms;
          ({ health } = after(health, result, now, places));
          expect(placesOf(health, places)).toBeGreaterThanOrEqual(1);
          expect(placesOf(health, places)).toBeLessThanOrEqual(places);
          expect(Number.isInteger(placesOf(health, places))).toBe(true);
        }
      }),
    );
  });

  it('does not rest as long as something succeeds', () => {
    const rows = fc.array(fc.nat(ROW - 1), { maxLength: 200 });
    fc.assert(
      fc.property(rows, (lengths) => {
        const outcomes = lengths.flatMap((length) => [...times(length, failed), delivered]);
        let health = healthy;
        for (const result of outcomes) {
          health = after(health, result, 1000).health;
          expect(health.down).toBe(false);
        }
      }),
    );
  });

  it('rests when nothing succeeds any more, whatever came before', () => {
    fc.assert(
      fc.property(steps, concurrent, (outcomes, places) => {
        let health = outcomes.reduce((before, [result]) => after(before, result, 1000, places).health, healthy);
        for (let i = 0; i < 500; i++) health = after(health, failed, 1000, places).health;
        expect(health.down).toBe(true);
      }),
    );
  });

  it.each([
    ['nothing', [delivered], 16],
    ['one of ten', [...times(9, delivered), failed], 16],
    ['every other one', [delivered, failed], 16],
    ['three of four', [delivered, failed, failed, failed], 8],
    ['nine of ten', [delivered, ...times(9, failed)], 3],
  ])('that refuses %s has a window to match', (_, outcomes, window) => {
    const health = times(50, ...outcomes).reduce((before, result) => after(before, result, 1000, 16).health, healthy);
    expect(Math.abs(placesOf(health, 16) - window)).toBeLessThanOrEqual(1);
  });

  it.each<[string, DeliveryOutcome[], number, number]>([
    ['nothing', [delivered], 0, 0],
    ['one of a hundred', [...times(99, delivered), failed], 0, 3],
    ['every other one', [delivered, failed], 17, 22],
    ['nine of ten', [delivered, ...times(9, failed)], 80, 150],
  ])('that refuses %s explains a number of failures of one entry', (_, outcomes, least, most) => {
    const explained = failuresByChance(healthAfter(times(50, ...outcomes)));
    expect(explained).toBeGreaterThanOrEqual(least);
    expect(explained).toBeLessThanOrEqual(most);
  });
});

describe('the change to report', () => {
  const failing = after(healthy, failed, 1000).health;
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
    ['the failure that brings it down', healthAfter(times(ROW - 1, failed)), failed, 1000, undefined, false],
    ['the success of a probe', down(), delivered, 1500, 'recovered', true],
    ['a success of a request that was in flight when it went down', down(), delivered, 1001, undefined, true],
  ])('of %s', (_, before, outcome, now, change, wake) => {
    const assessment = after(before, outcome, now);
    expect([assessment.change, assessment.wake]).toEqual([change, wake]);
  });

  /** The changes that are reported for outcomes at these times. */
  const changes = (outcomes: readonly (readonly [number, DeliveryOutcome])[]) => {
    let health = healthy;
    const reported: [number, string][] = [];
    for (const [now, outcome] of outcomes) {
      const assessment = after(health, outcome, now);
      health = assessment.health;
      if (assessment.change) reported.push([now, assessment.change]);
    }
    return reported;
  };

  it('does not alternate when a receiver refuses every other event for hours', () => {
    const hours = Array.from({ length: 3600 }, (_, i) => [i * 2000, i % 2 ? delivered : failed] as const);
    expect(changes(hours)).toEqual([
      [0, 'failing'],
      [2000, 'recovered'],
      [4000, 'failing'],
      [6000, 'recovered'],
      [8000, 'failing'],
    ]);
  });

  it('names a new trouble at once after a long time without one', () => {
    const trouble = [0, 1, 2, 3].flatMap((i) => [[i * 1000, failed] as const, [i * 1000 + 600, delivered] as const]);
    const quiet = trouble.concat([[3 * MAX_QUIET_MS, delivered]]);
    const later = 3 * MAX_QUIET_MS + MAX_QUIET_MS;
    expect(changes([...quiet, [later, failed], [later + 500, delivered]]).slice(-3)).toEqual([
      [3 * MAX_QUIET_MS, 'recovered'],
      [later, 'failing'],
      [later + 500, 'recovered'],
    ]);
  });
});
