import type { Rule } from './mapping-model.ts';

/**
 * Whether a rule never gets its turn after another one: that asks the same, or takes every event, and counts whenever
 * this one does.
 * @param enabled the optional names that count
 */
export const isHiddenBy = (
  rule: Pick<Rule, 'match' | 'optional'>,
  earlier: Pick<Rule, 'match' | 'optional'>,
  enabled: ReadonlySet<unknown>,
): boolean =>
  (earlier.match.trim() === rule.match.trim() || earlier.match.trim() === 'true') &&
  (earlier.optional === undefined || earlier.optional === rule.optional || enabled.has(earlier.optional));
