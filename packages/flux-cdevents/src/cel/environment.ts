import { Environment } from '@marcbachmann/cel-js';
import type { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { spend } from './cost.ts';
import { createObjectTypes, type ObjectTypes } from './object-types.ts';
import { registerOptionals } from './optional-values.ts';
import { matches } from './patterns.ts';

/** The limits of the parser for one expression. */
export const LIMITS = {
  maxAstNodes: 1_000,
  maxDepth: 50,
  maxListElements: 200,
  maxMapEntries: 200,
  maxCallArguments: 16,
} as const;

export const TIMESTAMP = 'google.protobuf.Timestamp';
export const DURATION = 'google.protobuf.Duration';

/** Functions that replace ones of the library under another name, since it does not allow registering them again. */
export const REPLACED: ReadonlyMap<string, string> = new Map([
  ['matches', 're2_matches'],
  ['lowerAscii', 'ascii_lower'],
  ['upperAscii', 'ascii_upper'],
  ['split', 'split_text'],
]);

/** The functions and macros of CEL that expressions may use. The library has more, which are not CEL. */
export const FUNCTIONS: readonly string[] = [
  ...['all', 'exists', 'exists_one', 'filter', 'map', 'has', 'bind'],
  ...['bool', 'bytes', 'double', 'duration', 'dyn', 'int', 'string', 'timestamp', 'type', 'uint'],
  ...['contains', 'endsWith', 'matches', 'size', 'startsWith'],
  ...['charAt', 'indexOf', 'join', 'lastIndexOf', 'lowerAscii', 'replace', 'split', 'substring', 'trim', 'upperAscii'],
  ...['hasValue', 'none', 'of', 'ofNonZeroValue', 'optFlatMap', 'optMap', 'or', 'orValue', 'value'],
  ...['getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getFullYear', 'getHours', 'getMilliseconds'],
  ...['getMinutes', 'getMonth', 'getSeconds'],
];

/** A cel-js environment with the object types, optional values, string functions and RE2, without variables. */
export function createEnvironment({ fieldsOf, classes }: ObjectTypes = createObjectTypes({})): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: LIMITS,
  });
  for (const [name, ctor] of classes) environment.registerType(name, { ctor, fields: fieldsOf(name) ?? {} });
  registerStrings(environment);
  registerConversions(environment);
  registerOptionals(environment);
  return environment;
}

type Handler = (...args: never[]) => unknown;
const sync = { async: false };

function registerStrings(environment: Environment): void {
  const register = (signature: string, handler: Handler) =>
    environment.registerFunction(signature, handler as never, sync);
  register('string.re2_matches(string): bool', matches);
  register('re2_matches(string, string): bool', matches);
  register('string.ascii_lower(): string', (text: string) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase()));
  register('string.ascii_upper(): string', (text: string) => text.replace(/[a-z]+/g, (part) => part.toUpperCase()));
  register('string.charAt(int): string', (text: string, index: bigint) => {
    if (index < 0n || index > BigInt(text.length)) throw new Error(`charAt: index ${index} is out of range`);
    return text.charAt(Number(index));
  });
  register('string.split_text(string): list<string>', split);
  register('string.split_text(string, int): list<string>', (text: string, separator: string, most: bigint) => {
    const parts = split(text, separator);
    if (most < 0n || parts.length <= most) return parts;
    const count = Number(most);
    return count === 0 ? [] : [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
  });
  register('string.replace(string, string): string', (text: string, old: string, by: string) => replace(text, old, by));
  register('string.replace(string, string, int): string', (text: string, old: string, by: string, times: bigint) =>
    replace(text, old, by, times),
  );
}

/** Without a separator, splits between code points; the library would split emoji. */
const split = (text: string, separator: string): string[] => (separator === '' ? [...text] : text.split(separator));

function replace(text: string, old: string, by: string, times = -1n): string {
  if (times === 0n) return text;
  const parts = old === '' ? ['', ...text, ''] : text.split(old);
  const count = times < 0n ? parts.length : Math.min(Number(times) + 1, parts.length);
  spend((parts.length >> 2) + ((text.length + (count - 1) * by.length) >> 6));
  return [parts.slice(0, count).join(by), ...parts.slice(count)].join(old);
}

const isoOf = (instant: Date) => instant.toISOString().replace('.000Z', 'Z');

function registerConversions(environment: Environment): void {
  const register = (signature: string, handler: Handler) =>
    environment.registerFunction(signature, handler as never, sync);
  register('int(uint): int', (value: UnsignedInt) => BigInt(String(value)));
  register(`int(${TIMESTAMP}): int`, (instant: Date) => BigInt(Math.floor(instant.getTime() / 1000)));
  register(`string(${TIMESTAMP}): string`, isoOf);
  register(`string(${DURATION}): string`, (duration: Duration) => String(duration));
  register(`timestamp(${TIMESTAMP}): ${TIMESTAMP}`, (instant: Date) => instant);
  register(`duration(${DURATION}): ${DURATION}`, (duration: Duration) => duration);
}
