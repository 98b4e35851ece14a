import { Environment, Optional } from '@marcbachmann/cel-js';
import { type Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { spend } from './meter.ts';
import { matches } from './patterns.ts';
import type { CelType, Checker, Context, Evaluator, Node } from './tree.ts';
import { TYPES, typedClasses } from './types.ts';

/** At most so many in an expression. */
export const LIMITS = {
  maxAstNodes: 1_000,
  maxDepth: 50,
  maxListElements: 200,
  maxMapEntries: 200,
  maxCallArguments: 16,
} as const;

export const TIMESTAMP = 'google.protobuf.Timestamp';
export const DURATION = 'google.protobuf.Duration';

/** Functions of the library that are called by another name, since it does not let them be registered again. */
export const REPLACED: ReadonlyMap<string, string> = new Map([
  ['matches', 're2_matches'],
  ['lowerAscii', 'ascii_lower'],
  ['upperAscii', 'ascii_upper'],
]);

/** The functions and macros of CEL that expressions may use. The library has more, which are its own. */
export const FUNCTIONS: readonly string[] = [
  ...[
    'bool',
    'bytes',
    'double',
    'duration',
    'dyn',
    'has',
    'int',
    'matches',
    'size',
    'string',
    'timestamp',
    'type',
    'uint',
  ],
  ...['all', 'exists', 'exists_one', 'filter', 'map', 'bind'],
  ...['contains', 'endsWith', 'startsWith'],
  ...['charAt', 'indexOf', 'join', 'lastIndexOf', 'lowerAscii', 'replace', 'split', 'substring', 'trim', 'upperAscii'],
  ...['hasValue', 'none', 'of', 'ofNonZeroValue', 'optFlatMap', 'optMap', 'or', 'orValue', 'value'],
  ...['getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getFullYear', 'getHours', 'getMilliseconds'],
  ...['getMinutes', 'getMonth', 'getSeconds'],
];

/** CEL as mappings have it, without any variables: types of theirs, optional values, string functions, RE2. */
export function createEnvironment(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: LIMITS,
  });
  for (const [name, ctor] of typedClasses) {
    environment.registerType(name, { ctor, fields: TYPES[name as keyof typeof TYPES] });
  }
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
  register('string.replace(string, string): string', (text: string, old: string, by: string) => replace(text, old, by));
  register('string.replace(string, string, int): string', (text: string, old: string, by: string, times: bigint) =>
    replace(text, old, by, times),
  );
}

function replace(text: string, old: string, by: string, times = -1n): string {
  if (times === 0n) return text;
  const parts = text.split(old);
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

function registerOptionals(environment: Environment): void {
  environment.registerFunction(
    'OptionalNamespace.ofNonZeroValue(A): optional<A>',
    ((_: unknown, value: unknown) => (isZero(value) ? Optional.none() : Optional.of(value))) as never,
    sync,
  );
  environment.registerOperator('optional<T> == optional<T>', sameOptional as never);
  environment.registerFunction(
    'optional.optMap(ast, ast): optional<dyn>',
    optionalMacro((value) => Optional.of(value)),
  );
  environment.registerFunction(
    'optional.optFlatMap(ast, ast): optional<dyn>',
    optionalMacro((value) => value, true),
  );
}

/** What a macro is called with, and what its own variable lives in. */
interface MacroCall {
  readonly args: readonly [Node, Node];
  readonly receiver: Node;
}
interface Scope extends Context {
  reuse(outer: Context): Scope;
  setIterValue(value: unknown, evaluator: Evaluator): Scope;
}
interface OptionalMacro {
  readonly receiver: Node;
  readonly exp: Node;
  scope?: Scope;
}
type ScopedChecker = Checker & {
  readonly registry: { getOptionalType(type: CelType): CelType };
  createError(code: string, message: string, node: Node): Error;
};

/** `optional.optMap(name, expression)`: evaluated with the value when there is one. */
function optionalMacro(wrap: (value: unknown) => unknown, flat = false) {
  const expand = ({ args: [variable, exp], receiver }: MacroCall) => ({
    receiver,
    exp,
    typeCheck(
      checker: ScopedChecker,
      macro: OptionalMacro,
      context: { forkWithVariable(name: string, type: CelType): Scope },
    ) {
      const type = checker.check(receiver, context);
      if (variable.op !== 'id') throw checker.createError('invalid_macro_argument', 'not a variable', variable);
      if (type.kind !== 'optional') {
        throw checker.createError('optional_expected', `must be optional, got '${type.name}'`, receiver);
      }
      macro.scope = context.forkWithVariable(String(variable.args), type.valueType ?? checker.dynType);
      const made = checker.check(exp, macro.scope);
      return flat ? made : checker.registry.getOptionalType(made);
    },
    evaluate(evaluator: Evaluator, macro: OptionalMacro, context: Context) {
      const optional = evaluator.run(receiver, context) as Optional;
      if (!optional.hasValue() || !macro.scope) return Optional.none();
      return wrap(evaluator.run(exp, macro.scope.reuse(context).setIterValue(optional.value(), evaluator)));
    },
  });
  return expand as never;
}

function isZero(value: unknown): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true;
  if (value instanceof UnsignedInt) return String(value) === '0';
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  return (
    typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0
  );
}

function sameOptional(a: Optional, b: Optional, node: Node, evaluator: Evaluator): boolean {
  if (!(a.hasValue() && b.hasValue())) return a.hasValue() === b.hasValue();
  const [left, right] = [a.value(), b.value()];
  const overload = evaluator.registry.findBinaryOverload('==', evaluator.debugType(left), evaluator.debugType(right));
  return overload !== false && overload.handler(left, right, node, evaluator) === true;
}
