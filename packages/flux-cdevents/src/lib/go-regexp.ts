import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import { messageOf } from '../errors.ts';

/** A regular expression of Go. Matching takes time linear in the length of the text, whatever the expression. */
export interface GoRegexp {
  /** True when it is found anywhere in the text. */
  test(text: string): boolean;
  /** How many instructions it compiles to; counted repetitions are written out. */
  readonly size: number;
}

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
  try {
    const pattern = RE2JS.compile(expression);
    return { test: (text) => pattern.test(text), size: pattern.programSize() };
  } catch (error) {
    return messageOf(error).replace(/^error parsing regexp: /, '');
  }
}
