import { LRUCache } from 'lru-cache';
import { type GoRegexp, goRegexp } from '../lib/go-regexp.ts';
import { spend } from './cost.ts';

const MAX_LENGTH = 1_000;
const MAX_WRITTEN_OUT = 200_000;

/** Limits of the patterns that a rule computes at run time. */
const MAX_DYNAMIC_LENGTH = 256;
const COST_OF_COMPILING = 4_000;
const MAX_DYNAMIC_KEPT = 50;

/** A regular expression and its cost. */
export interface Pattern {
  readonly regexp: GoRegexp;
  /** Cost units for one character of text. */
  readonly cost: number;
}

const dynamic = new LRUCache<string, Pattern>({ max: MAX_DYNAMIC_KEPT });

/** Compiles a pattern. @returns the reason when it is not valid RE2, or so large that compiling takes long */
export function readPattern(pattern: string): Pattern | string {
  if (pattern.length > MAX_LENGTH) return `more than ${MAX_LENGTH.toLocaleString('en-US')} characters`;
  if (pattern.length * repetitionsIn(pattern) > MAX_WRITTEN_OUT) return 'too large with its repetitions written out';
  const regexp = goRegexp(pattern);
  return typeof regexp === 'string' ? regexp : { regexp, cost: costOf(pattern, regexp.size) };
}

/** How often a part of the pattern may be repeated. RE2 itself allows 1,000 repetitions, nested ones included. */
function repetitionsIn(pattern: string): number {
  let product = 1;
  for (const [, from = '', to = ''] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g))
    product *= Math.max(1, Number(to || from));
  return Math.min(product, 1_000);
}

/** True when the pattern matches anywhere in the text. */
export function isFound({ regexp, cost }: Pattern, text: string): boolean {
  spend(Math.ceil(text.length * cost));
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
  let made: Pattern | string | undefined = dynamic.get(pattern);
  if (!made) {
    made = readPattern(pattern);
    if (typeof made === 'string') throw new Error(`matches: not a regular expression of RE2: ${made}`);
    dynamic.set(pattern, made);
  }
  return isFound(made, text);
}

/**
 * A pattern is turned into a DFA while it runs. That costs next to nothing for each character unless the DFA has too many
 * states: their number is at most exponential in the choices of the pattern (classes, alternatives, repetitions), and does not
 * depend on its literal characters. A pattern with more choices may have to be simulated, which takes up to 100 ns for each
 * choice and character.
 */
function costOf(pattern: string, size: number): number {
  const choices = size - literalsIn(pattern);
  return choices <= 13 ? 1 / 4 : 2 * Math.min(choices, 120);
}

const literalsIn = (pattern: string): number =>
  pattern
    .replace(/\\[pP](\{[^}]*\}|.)|\\[a-zA-Z]/g, '') // classes, \b
    .replace(/\\./g, 'x')
    .replace(/\(\?[^):]*[):]?|\[\^?\]?[^\]]*\]|\{[^}]*\}|[.*+?|()^$]/g, '').length;
