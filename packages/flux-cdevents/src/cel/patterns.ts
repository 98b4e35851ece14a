import { LRUCache } from 'lru-cache';
import { type GoRegexp, goRegexp } from '../lib/go-regexp.ts';
import { spend } from './cost.ts';

const MAX_LENGTH = 1_000;

/** Limits of the patterns that a rule computes at run time. */
const MAX_DYNAMIC_LENGTH = 256;
const COST_OF_COMPILING = 4_000;
const MAX_DYNAMIC_KEPT = 50;

const dynamic = new LRUCache<string, GoRegexp>({ max: MAX_DYNAMIC_KEPT });

/** Compiles a pattern. @returns the reason when it is not valid RE2, or so large that compiling takes long */
export function readPattern(pattern: string): GoRegexp | string {
  if (pattern.length > MAX_LENGTH) return `more than ${MAX_LENGTH.toLocaleString('en-US')} characters`;
  return goRegexp(pattern);
}

/** True when the pattern matches anywhere in the text. */
export function isFound(regexp: GoRegexp, text: string): boolean {
  spend(Math.ceil(text.length * regexp.cost));
  return regexp.test(text);
}

/**
 * CEL's `matches` for a pattern that a rule computes at run time.
 * @throws {Error} when it is not valid RE2
 */
export function matches(text: string, pattern: string): boolean {
  if (pattern.length > MAX_DYNAMIC_LENGTH) {
    throw new Error(`matches: a pattern that is not written in the rule has at most ${MAX_DYNAMIC_LENGTH} characters`);
  }
  spend(COST_OF_COMPILING);
  let made: GoRegexp | string | undefined = dynamic.get(pattern);
  if (!made) {
    made = readPattern(pattern);
    if (typeof made === 'string') throw new Error(`matches: not a regular expression of RE2: ${made}`);
    dynamic.set(pattern, made);
  }
  return isFound(made, text);
}
