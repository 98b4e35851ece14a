import { Environment, Optional } from '@marcbachmann/cel-js';
import { messageOf } from '../../errors.ts';

/** The variables that every expression of a mapping sees. docs/mapping.md describes them. */
export const VARIABLES = {
  event: 'map',
  alert: 'map',
  provider: 'map',
  cluster: 'string',
  environment: 'map',
  service: 'map',
  artifactId: 'string',
  release: 'map',
  taskRun: 'map',
  incident: 'map',
  outcome: 'string',
  chainId: 'string',
} as const;

/** A value for each variable. */
export type Variables = Readonly<Record<keyof typeof VARIABLES, unknown>>;

const environment = Object.entries(VARIABLES).reduce(
  (env, [name, type]) => env.registerVariable(name, type),
  new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxAstNodes: 1000, maxDepth: 50, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 16 },
  }),
);

/** An expression that is parsed and type-checked, ready to be evaluated over and over. */
export interface CompiledExpression {
  readonly text: string;
  /** @throws {Error} when it fails for these variables, a missing key for example */
  evaluate(variables: Variables): unknown;
}

/** @throws {Error} with what is wrong and where in the expression */
export function compileExpression(text: string): CompiledExpression {
  const parsed = environment.parse(text);
  const check = parsed.check();
  if (!check.valid) throw check.error ?? new Error('does not type-check');
  return { text, evaluate: (variables) => toPlain(parsed(variables as Record<string, unknown>)) };
}

/** Why an expression does not compile, or undefined when it does. */
export function expressionError(text: string): string | undefined {
  try {
    compileExpression(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** CEL values as JSON has them: no integers of its own, no optional values; an absent one is null. */
function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Optional) return value.hasValue() ? toPlain(value.value()) : null;
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, of]) => [String(key), toPlain(of)]));
  return value;
}
