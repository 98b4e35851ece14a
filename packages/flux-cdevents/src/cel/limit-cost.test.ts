import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { someVariables } from '../../test/helpers/cel-variables.ts';
import { expressions } from '../mapping/variables-schema.ts';
import { MAX_COST, type RemainingCost } from './expression.ts';

const { compileExpression, readExpression } = expressions;

/** 39,000 characters in 650 lines, and 200 keys: about as large as an event can be. */
const large = someVariables({
  message: Array.from({ length: 650 }, (_, line) => 'ab '.repeat(17) + String(line).padStart(8, 'a')).join('\n'),
  metadata: Object.fromEntries(Array.from({ length: 200 }, (_, key) => [`key${key}`, 'v'.repeat(50) + key])),
});

/** The body of a request may have 3 MiB. */
const huge = someVariables({
  message: 'ab c\n'.repeat(300_000),
  metadata: Object.fromEntries(Array.from({ length: 40_000 }, (_, key) => [`key${key}`, `v${key}`])),
});

/** Generous, for a machine that is busy with other things; the limit stands for about 10 ms. */
const MAX_MS = 500;
/** The CPU time of this thread so far: a busy machine does not count. */
const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

function evaluate(
  text: string,
  remaining: RemainingCost = { left: MAX_COST },
  variables = large,
): { ms: number; error: string | undefined } {
  const expression = compileExpression(text);
  const start = cpuMs();
  try {
    expression.evaluate(variables, remaining);
    return { ms: cpuMs() - start, error: undefined };
  } catch (error) {
    return { ms: cpuMs() - start, error: (error as Error).message };
  }
}

const message = 'event.message';
const characters = `${message}.split('')`;
const lines = `${message}.split('\\n')`;
const numbers = `[${'0,'.repeat(190)}0]`;
const repeat = (times: number, seed: string, wrap: (inner: string, index: number) => string): string => {
  let text = seed;
  for (let index = 0; index < times; index++) text = wrap(text, index);
  return text;
};
const doubled = (times: number, seed: string) =>
  repeat(times, seed, (inner, index) => `cel.bind(x${index}, ${inner}, x${index} + x${index})`);
const shared = (times: number, seed: string, use: string) =>
  repeat(times, use.replaceAll('LAST', `s${times - 1}`), (inner, index) => {
    const at = times - 1 - index;
    const of = at === 0 ? seed : `s${at - 1}`;
    return `cel.bind(s${at}, [${Array.from({ length: 8 }, () => of).join(', ')}], ${inner})`;
  });

describe('an expression that does too much', () => {
  it.each([
    // loops in loops
    repeat(3, 'true', (inner, index) => `${characters}.all(c${index}, ${inner})`),
    repeat(8, "c0 != 'z' || true", (inner, index) => `${characters}.all(c${index}, ${inner})`),
    `${characters}.map(a, ${characters}.map(b, a + b))`,
    `${characters}.exists_one(a, ${characters}.exists_one(b, a == b))`,
    `${numbers}.map(a, ${numbers}.map(b, ${numbers}.map(c, [a, b, c])))`,
    `${characters}.map(c, event.metadata.map(k, event.metadata[k]))`,
    // where an error is made up for: the limit is not
    `${characters}.exists(a, ${characters}.exists(b, 1 / 0 == 1)) || true`,
    `${characters}.all(a, ${characters}.all(b, 1 / 0 == 1) || true) || true`,
    `true || ${characters}.all(a, ${characters}.all(b, true))`.replace('true ||', 'false ||'),
    `${characters}.all(c, int(c) == 1 || true)`,
    `${characters}.map(c, [1][?5])`,
    // texts and lists that grow
    doubled(12, message),
    `size(${doubled(19, '[1]')})`,
    shared(8, '1', 'LAST'),
    shared(8, '1', 'LAST == LAST.map(x, x)'),
    shared(8, message, 'LAST'),
    `${lines}.map(l, ${message} + l).map(l, l + l).map(l, l + l).map(l, l + l)`,
    `${characters}.map(c, ${message}).join(',')`,
    `${characters}.join(${message})`,
    `${lines}.map(l, event)`,
    `${message}.replace('', ${message})`,
    `${message}.replace('a', ${message}.substring(0, 500)).replace('b', ${message}.substring(0, 500))`,
    // functions that read a lot
    `${lines}.all(l, ${message}.matches('^(a+)+$') || true)`,
    `${message}.matches('[ab ]*a[ab ]{200}$')`,
    `${characters}.all(c, 'x'.matches(c + c) || true)`,
    `${characters}.all(c, ${message}.contains(${message}.substring(1) + 'x') || true)`,
    `${message}.lastIndexOf(${message}.substring(100, 20000)) > -2`,
    `${lines}.map(l, ${message}.lowerAscii().upperAscii().trim())`,
    `${lines}.map(l, size(${message}))`,
    `${lines}.all(l, bytes(${message}) == bytes(${message}))`,
    `${lines}.all(l, double(${message}) > 1.0 || true)`,
    `${characters}.all(c, ${message} < ${message} || true)`,
    `${characters}.all(c, dyn(event.metadata) == dyn(event.metadata))`,
    `${characters}.filter(c, c in ${lines})`,
    `${characters}.all(c, optional.of(${lines}) == optional.of(${lines}))`,
    `${characters}.map(c, timestamp(event.timestamp).getHours('Europe/Berlin'))`,
  ])('is stopped: %s', (text) => {
    const { ms, error } = evaluate(text);
    expect(error).toBe('costs more than 200,000 units, which is the limit for one event');
    expect(ms).toBeLessThan(MAX_MS);
  });

  it.each([
    `${message}.matches(${message})`, // a pattern that is too long to be made while running
    `string(duration(${message}))`,
    `${characters}.all(c, timestamp(event.timestamp).getHours(${message}) == 1 || true) || true`,
    `${characters}.map(c, int(1e300))`,
    `${lines}.exists(l, ${message}.matches(l))`,
  ])('or ends by itself: %s', (text) => expect(evaluate(text).ms).toBeLessThan(MAX_MS));

  it.each([
    'dyn(event.metadata) == 1 || true',
    "'x' in dyn(event.metadata) || true",
    '!dyn(event.metadata) || true',
    'size(dyn(event.metadata)) > 0',
    "{'a': 'b'} == event.metadata || true",
    'event.metadata == event.metadata',
    'event.metadata.exists(k, true)',
    'optional.of(event.metadata) == optional.of(event.metadata)',
    'optional.ofNonZeroValue(event.metadata).hasValue()',
    `${message}.substring(5).startsWith('a') || true`,
    `${message}.charAt(5) == 'a' || true`,
    `${message} == ${message} + ''`,
    `bool(${message}) || true`,
  ])('is stopped for an event that is larger still: %s', (body) => {
    const text = repeat(3, body, (inner, index) => `${numbers}.all(n${index}, ${inner})`);
    const { ms, error } = evaluate(text, { left: MAX_COST }, huge);
    expect(error).toMatch(/^costs more than/);
    expect(ms).toBeLessThan(MAX_MS);
  });

  it('leaves nothing for the other expressions of the event', () => {
    const remaining: RemainingCost = { left: MAX_COST };
    evaluate(`${characters}.map(a, ${characters}.map(b, a + b))`, remaining);
    expect(evaluate('event.reason', remaining).error).toMatch(/^costs more than/);
    expect(evaluate('event.reason').error).toBeUndefined();
  });
});

describe('an expression that does a reasonable amount of work', () => {
  it.each([
    [`${lines}.filter(l, l.contains('ab')).size() > 10`, 20_000],
    [`${lines}.exists(l, l.matches('(?i)error|fail'))`, 30_000],
    [`${message}.matches('timed out waiting for the condition$')`, 10_000],
    [`${message}.matches('^(a+)+$')`, 10_000],
    ["event.metadata.filter(k, k.startsWith('key1'))", 2_000],
    ["event.reason in ['A', 'B'] && event.involvedObject.kind == 'HelmRelease'", 20],
  ])('is let through, of a large event too: %s', (text, most) => {
    const remaining: RemainingCost = { left: MAX_COST };
    expect(evaluate(text, remaining).error).toBeUndefined();
    expect(MAX_COST - remaining.left).toBeLessThan(most);
  });

  it('takes no time for a pattern that would stop a backtracking engine', () => {
    const expression = compileExpression("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.matches('^(a+)+$')");
    const start = cpuMs();
    expect(expression.evaluate(large)).toBe(false);
    expect(cpuMs() - start).toBeLessThan(MAX_MS);
  });
});

describe('expressions at random', () => {
  const { text: expressions } = fc.letrec<{ text: string; list: string; bool: string }>((tie) => ({
    text: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      fc.constantFrom(message, 'event.reason', "'a'", "''", 'event.metadata.key7'),
      fc.tuple(tie('text'), tie('text')).map(([a, b]) => `(${a} + ${b})`),
      fc.tuple(tie('text'), tie('text'), tie('text')).map(([a, b, c]) => `${a}.replace(${b}, ${c})`),
      fc.tuple(tie('list'), tie('text')).map(([a, b]) => `${a}.join(${b})`),
      fc.tuple(tie('text'), tie('text')).map(([a, b]) => `cel.bind(v, ${a}, v + ${b} + v)`),
      fc.tuple(tie('bool'), tie('text'), tie('text')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      tie('text').map((a) => `${a}.lowerAscii()`),
      tie('list').map((a) => `string(size(${a}))`),
    ),
    list: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      fc.constantFrom(characters, lines, "['a', 'b']", 'event.metadata.map(k, k)'),
      fc.tuple(tie('text'), tie('text')).map(([a, b]) => `${a}.split(${b})`),
      fc.tuple(tie('list'), tie('text')).map(([a, b]) => `${a}.map(x, x + ${b})`),
      fc.tuple(tie('list'), tie('bool')).map(([a, b]) => `${a}.filter(x, ${b})`),
      fc.tuple(tie('list'), tie('list')).map(([a, b]) => `(${a} + ${b})`),
    ),
    bool: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      fc.constantFrom('true', '1 / 0 == 1', "event.reason == 'x'"),
      fc
        .tuple(tie('text'), fc.constantFrom("'^(a+)+$'", "'[ab ]{9}b'", 'event.reason'))
        .map(([a, b]) => `${a}.matches(${b})`),
      fc.tuple(tie('text'), tie('text')).map(([a, b]) => `${a}.contains(${b})`),
      fc.tuple(tie('text'), tie('list')).map(([a, b]) => `(${a} in ${b})`),
      fc.tuple(tie('list'), tie('bool')).map(([a, b]) => `${a}.all(y, ${b})`),
      fc.tuple(tie('list'), tie('bool')).map(([a, b]) => `${a}.exists(z, ${b} || z == 'q')`),
      fc.tuple(tie('bool'), tie('bool')).map(([a, b]) => `(${a} || ${b})`),
      fc.tuple(tie('list'), tie('list')).map(([a, b]) => `(${a} == ${b})`),
    ),
  }));

  it('end within the limit', () => {
    let run = 0;
    fc.assert(
      fc.property(expressions, (text) => {
        const reading = readExpression(text, 'value');
        if (!('expression' in reading)) return true; // too deep or too long
        run++;
        const start = cpuMs();
        try {
          reading.expression.evaluate(large);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
        return cpuMs() - start < MAX_MS;
      }),
      { numRuns: 300 },
    );
    expect(run).toBeGreaterThan(100);
  });
});
