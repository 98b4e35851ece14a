import { Environment, Optional } from '@marcbachmann/cel-js';
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { compileCel } from '../../src/cel/compile-cel.ts';
import { createEnvironment } from '../../src/cel/environment.ts';
import type { CelValue, ConformanceTest, Outcome } from './cel-conformance.ts';

/** Runs a test with cel-js as mappings have it. */
export function runAsMapping(test: ConformanceTest): Outcome {
  return outcomeOf(test, () => {
    const environment = withVariables(createEnvironment(), test);
    const { type, run } = compileCel(environment, test.expression, {
      readers: new Map(),
      fieldsOf: () => undefined,
    });
    if ('type' in test.expected) return { type: typeName(type) };
    return { value: run(bindingsOf(test), { left: Number.POSITIVE_INFINITY }, fromCelJs) };
  });
}

/** Runs a test with cel-js as it comes. */
export function runAsIs(test: ConformanceTest): Outcome {
  return outcomeOf(test, () => {
    const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
    const parsed = withVariables(environment, test).parse(test.expression);
    const check = parsed.check();
    if (test.checked && !check.valid) throw check.error;
    if ('type' in test.expected) return { type: typeName(check.type ?? 'dyn') };
    return { value: fromCelJs(parsed(bindingsOf(test))) };
  });
}

function outcomeOf(test: ConformanceTest, run: () => Outcome): Outcome {
  try {
    return run();
  } catch (error) {
    const [message = ''] = (error instanceof Error ? error.message : `${test.id}: ${String(error)}`).split('\n');
    return { error: message };
  }
}

function withVariables(environment: Environment, { variables, bindings }: ConformanceTest): Environment {
  const declared = new Map(variables);
  for (const [name] of bindings) if (!declared.has(name)) declared.set(name, 'dyn');
  for (const [name, type] of declared) environment.registerVariable(name, type === 'null_type' ? 'null' : type);
  return environment;
}

const bindingsOf = ({ bindings }: ConformanceTest) =>
  Object.fromEntries(bindings.map(([name, value]) => [name, toCelJs(value)]));

/** The library shortens some names of types. */
const typeName = (type: string): string =>
  new Map([
    ['list', 'list<dyn>'],
    ['map', 'map<dyn, dyn>'],
    ['null', 'null_type'],
  ]).get(type) ?? type;

function toCelJs(value: CelValue): unknown {
  switch (value.kind) {
    case 'null':
      return null;
    case 'uint':
      return new UnsignedInt(value.value);
    case 'list':
      return value.values.map(toCelJs);
    case 'map':
      return new Map(value.entries.map(([key, of]) => [toCelJs(key), toCelJs(of)]));
    case 'duration':
      return new Duration(value.seconds, value.nanos);
    case 'timestamp':
      return new Date(value.epochMs);
    default:
      return value.value;
  }
}

function fromCelJs(value: unknown): CelValue {
  switch (typeof value) {
    case 'bigint':
      return { kind: 'int', value };
    case 'number':
      return { kind: 'double', value };
    case 'boolean':
      return { kind: 'bool', value };
    case 'string':
      return { kind: 'string', value };
    case 'object':
      return value === null ? { kind: 'null' } : fromObject(value);
    default:
      throw new Error(`a value that CEL does not have: ${typeof value}`);
  }
}

function fromObject(value: object): CelValue {
  if (value instanceof UnsignedInt) return { kind: 'uint', value: BigInt(String(value)) };
  if (value instanceof Uint8Array) return { kind: 'bytes', value };
  if (value instanceof Duration) return { kind: 'duration', seconds: BigInt(value.seconds), nanos: value.nanos };
  if (value instanceof Date) return { kind: 'timestamp', epochMs: value.getTime() };
  if (value instanceof Optional) throw new Error('an optional value');
  if (Array.isArray(value)) return { kind: 'list', values: value.map(fromCelJs) };
  const [, type] = /^Type<(.*)>$/.exec(String(value)) ?? [];
  if (type !== undefined) return { kind: 'type', value: type };
  const entries: (readonly [unknown, unknown])[] = value instanceof Map ? [...value] : Object.entries(value);
  return { kind: 'map', entries: entries.map(([key, of]) => [fromCelJs(key), fromCelJs(of)]) };
}
