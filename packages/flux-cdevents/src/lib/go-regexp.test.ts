import { describe, expect, it } from 'vitest';
import { goRegexp } from './go-regexp.ts';

const finds = (expression: string, text: string): boolean => {
  const regexp = goRegexp(expression);
  if (typeof regexp === 'string') throw new Error(regexp);
  return regexp.test(text);
};

describe('an expression', () => {
  it.each([
    ['upgrade', 'Helm upgrade succeeded', true], // unanchored
    ['Upgrade', 'Helm upgrade succeeded', false], // case counts
    ['(?i)UPGRADE', 'Helm upgrade succeeded', true],
    ['^upgrade', 'Helm upgrade succeeded', false],
    ['^second$', 'first\nsecond', false], // one line, unless (?m)
    ['(?m)^second$', 'first\nsecond', true],
    ['first.second', 'first\nsecond', false],
    ['(?s)first.second', 'first\nsecond', true],
    [String.raw`\bfail\b`, 'it failed', false],
    [String.raw`\bfail\b`, 'did it fail?', true],
    [String.raw`^waiting.*dependency\z`, 'waiting for a dependency', true],
    ['[[:digit:]]+ms', 'in 110ms', true],
    [String.raw`\Qa.b\E`, 'axb', false],
    ['(?P<verb>install|upgrade)', 'Helm install', true],
    [String.raw`\pL+é`, 'café', true],
    ['', 'anything', true],
  ])('%j in %j: %s', (expression, text, found) => expect(finds(expression, text)).toBe(found));

  it('takes time linear in the text', () => {
    expect(finds('^(a+)+$', `${'a'.repeat(5000)}!`)).toBe(false);
  });

  it('is compiled once', () => expect(goRegexp('once (and|only) once')).toBe(goRegexp('once (and|only) once')));
});

it.each(['(', '(?=ahead)', '(?<!behind)x', String.raw`(a)\1`, 'a**', '[z-a]', String.raw`end\Z`])(
  '%j does not compile, and a reason says so',
  (expression) => expect(goRegexp(expression)).toMatch(/^[a-z].*/),
);
