import { isDeepStrictEqual } from 'node:util';
import type { CDEvent } from 'cdevents-sdk';
import type { ExpectedCDEvent } from './cases.ts';

/** The expected and the found part, in the same shape and order, for a comparison side by side. */
export interface Difference {
  readonly expected: readonly unknown[];
  readonly found: readonly unknown[];
}

/** The values of the names of a case (`$incident`) so far. */
export type Captures = Map<string, unknown>;

const CAPTURE = /^\$([A-Za-z][\w-]*)$/;
/** Stands for an absent value in both documents. */
const ABSENT = undefined;

/**
 * Compares the CDEvents of one Flux event, each of another type, with the expected ones. Maps are compared by the expected
 * fields, lists item by item; null means that a field must be absent.
 * @param captures receives the values of new names
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

/** The event name: `service.upgraded`, or `acme-canary.started` for a custom event. */
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

/** Each name stands for one value, and different names stand for different values. */
function compareCapture(name: string, found: unknown, captures: Captures): Pair {
  if (found === ABSENT) return { expected: `$${name}`, found };
  if (captures.has(name)) return { expected: captures.get(name), found };
  const [other] = [...captures].find(([, value]) => isDeepStrictEqual(value, found)) ?? [];
  if (other !== undefined) return { expected: `$${name}, a different value than $${other}`, found };
  captures.set(name, found);
  return { expected: found, found };
}
