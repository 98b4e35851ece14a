import type { Rule } from './mapping-model.ts';

/**
 * Whether a rule can never match after an earlier one, which has the same condition or matches every event, and is in force
 * whenever this one is.
 * @param enabled the optional names in force
 */
export const isHiddenBy = (
  rule: Pick<Rule, 'match' | 'optional'>,
  earlier: Pick<Rule, 'match' | 'optional'>,
  enabled: ReadonlySet<unknown>,
): boolean =>
  (earlier.match.trim() === rule.match.trim() || earlier.match.trim() === 'true') &&
  (earlier.optional === undefined || earlier.optional === rule.optional || enabled.has(earlier.optional));
