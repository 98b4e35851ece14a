import { expect, it } from 'vitest';
import { createBudget } from './budget.ts';

it('gives each key a burst, then one after each interval', () => {
  let now = 0;
  const budget = createBudget({ burst: 2, intervalMs: 1000 }, () => now);
  const spend = () => [budget.spend('a'), budget.spend('a'), budget.spend('a')];
  expect(spend()).toEqual([true, true, false]);
  expect(budget.spend('b')).toBe(true);
  now = 1000;
  expect(spend()).toEqual([true, false, false]);
  now = 60_000;
  expect(spend()).toEqual([true, true, false]);
});
