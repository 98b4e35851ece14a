import { isDeepStrictEqual } from 'node:util';
import type { CDEvent } from 'cdevents-sdk';
import type { ExpectedCDEvent } from './cases.ts';

/** What was expected and what was found of it, in the same shape and order, to be laid side by side. */
export interface Difference {
  readonly expected: readonly unknown[];
  readonly found: readonly unknown[];
}

/** What the names of a case (`$incident`) stand for so far. */
export type Captures = Map<string, unknown>;

const CAPTURE = /^\$([A-Za-z][\w-]*)$/;
/** What stands for nothing in both documents. */
const ABSENT = undefined;

/**
 * Compares the CDEvents of one Flux event, whose types differ, with what is expected of them. Maps are compared by the
 * fields that are expected, lists item by item; null is for what must not be there.
 * @param captures is added to
 * @returns undefined when there is no difference
 */
export function compareCDEvents(
  expected: readonly ExpectedCDEvent[],
  found: readonly CDEvent[],
  captures: Captures,
): Difference | undefined {
  const left = [...found];
  const pairs = expected.map((one): Pair => {
    const index = left.findIndex(({ context }) => isOfType(context.type, one.type));
    const [match] = index < 0 ? [] : left.splice(index, 1);
    if (!match) return { expected: one, found: ABSENT };
    const { type, ...parts } = one;
    const pair = compare(parts, match, captures);
    return { expected: { type, ...(pair.expected as object) }, found: { type, ...(pair.found as object) } };
  });
  const others = left.map(({ context, subject }) => ({ type: nameOfType(context.type), subject: { id: subject.id } }));
  const difference = {
    expected: pairs.map((pair) => pair.expected),
    found: [...pairs.flatMap((pair) => (pair.found === ABSENT ? [] : [pair.found])), ...others],
  };
  return isDeepStrictEqual(difference.expected, difference.found) ? undefined : difference;
}

interface Pair {
  readonly expected: unknown;
  readonly found: unknown;
}

/** `service.upgraded`; of a custom event `acme-canary.started`. */
export const nameOfType = (type: string): string =>
  type.replace(/^dev\.cdeventsx?\./, '').replace(/\.\d+\.\d+\.\d+$/, '');

const isOfType = (type: string, expected: string): boolean => type === expected || nameOfType(type) === expected;

function compare(expected: unknown, found: unknown, captures: Captures): Pair {
  if (typeof expected === 'string') {
    const [, name] = CAPTURE.exec(expected) ?? [];
    if (name !== undefined) return compareCapture(name, found, captures);
    return { expected: expected.startsWith('$$') ? expected.slice(1) : expected, found };
  }
  if (expected === null) return { expected: ABSENT, found: found ?? ABSENT };
  if (Array.isArray(expected)) {
    if (!Array.isArray(found)) return { expected, found };
    const pairs = expected.map((item, index) =>
      index < found.length ? compare(item, found[index], captures) : { expected: item, found: ABSENT },
    );
    return {
      expected: pairs.map((pair) => pair.expected),
      found: [...pairs.slice(0, found.length).map((pair) => pair.found), ...found.slice(expected.length)],
    };
  }
  if (typeof expected !== 'object') return { expected, found };
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return { expected, found };
  const pairs = Object.entries(expected).map(
    ([key, value]) =>
      [key, compare(value, Object.hasOwn(found, key) ? Reflect.get(found, key) : ABSENT, captures)] as const,
  );
  const side = (of: keyof Pair) =>
    Object.fromEntries(pairs.flatMap(([key, pair]) => (pair[of] === ABSENT ? [] : [[key, pair[of]]])));
  return { expected: side('expected'), found: side('found') };
}

/** A name stands for one value, and another name for another one. */
function compareCapture(name: string, found: unknown, captures: Captures): Pair {
  if (found === ABSENT) return { expected: `$${name}`, found };
  if (captures.has(name)) return { expected: captures.get(name), found };
  const [other] = [...captures].find(([, value]) => isDeepStrictEqual(value, found)) ?? [];
  if (other !== undefined) return { expected: `$${name}, another value than $${other}`, found };
  captures.set(name, found);
  return { expected: found, found };
}
