import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import { messageOf } from '../errors.ts';

/** A regular expression of Go. Matching takes time linear in the length of the text, whatever the expression. */
export interface GoRegexp {
  /** True when it is found anywhere in the text. */
  test(text: string): boolean;
  /** The most that matching may cost for one character of text, in units of 50 ns. */
  readonly cost: number;
}

/** The limits of an expression, so that compiling it takes less than 50 ms. Go takes longer ones. */
const MAX_CHARS = 5_000;
const MAX_WRITTEN_OUT = 200_000;
/** What a class such as `\pL`, which has hundreds of ranges, takes to compile, in characters. */
const CHARS_OF_CLASS = 40;

const MAX_CACHED = 20_000;
const cache = new LRUCache<string, GoRegexp | string>({ max: MAX_CACHED });

/**
 * Compiles an expression of Go's syntax (RE2). Compiled expressions are cached.
 * @returns the reason as text when it does not compile
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function goRegexp(expression: string): GoRegexp | string {
  const known = cache.get(expression);
  if (known !== undefined) return known;
  const compiled = compile(expression);
  cache.set(expression, compiled);
  return compiled;
}

function compile(expression: string): GoRegexp | string {
  const classes = expression.match(/\\p/gi)?.length ?? 0;
  if (expression.length + CHARS_OF_CLASS * classes > MAX_CHARS) {
    return `more than ${MAX_CHARS.toLocaleString('en-US')} characters, of which \\p counts as ${CHARS_OF_CLASS}`;
  }
  if (expression.length * repetitionsIn(expression) > MAX_WRITTEN_OUT) {
    return 'too large with its repetitions written out';
  }
  try {
    const pattern = RE2JS.compile(expression);
    return { test: (text) => pattern.test(text), cost: costOf(expression, pattern.programSize()) };
  } catch (error) {
    return messageOf(error).replace(/^error parsing regexp: /, '');
  }
}

/** How often a part of an expression may be repeated. RE2 itself allows 1,000 repetitions, nested ones included. */
function repetitionsIn(expression: string): number {
  let product = 1;
  for (const [, from = '', to = ''] of expression.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) {
    product *= Math.max(1, Number(to || from));
  }
  return Math.min(product, 1_000);
}

/**
 * An expression is turned into a DFA while it runs. That costs next to nothing for each character unless the DFA has too many
 * states: their number is at most exponential in the choices of the expression (classes, alternatives, repetitions), and does
 * not depend on its literal characters. An expression with more choices may have to be simulated, which takes up to 100 ns for
 * each choice and character.
 * @param size how many instructions it compiles to; counted repetitions are written out
 */
function costOf(expression: string, size: number): number {
  const choices = size - literalsIn(expression);
  return choices <= 13 ? 1 / 4 : 2 * Math.min(choices, 120);
}

const literalsIn = (expression: string): number =>
  expression
    .replace(/\\[pP](\{[^}]*\}|.)|\\[a-zA-Z]/g, '') // classes, \b
    .replace(/\\./g, 'x')
    .replace(/\(\?[^):]*[):]?|\[\^?\]?[^\]]*\]|\{[^}]*\}|[.*+?|()^$]/g, '').length;
