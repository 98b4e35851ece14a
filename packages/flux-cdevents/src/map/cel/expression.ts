import { Environment, Optional, ParseError, TypeError as TypeFault } from '@marcbachmann/cel-js';
import { messageOf } from '../../errors.ts';

/** The variables that every expression of a mapping sees. docs/expressions.md describes them. */
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

/** How much work expressions may still do for one event; shared by all of them. */
export interface Budget {
  left: number;
}

/** Units for one event, about as many as 10 ms of work. */
export const MAX_COST = 200_000;

/** An expression that is parsed and type-checked, ready to be evaluated over and over. */
export interface CompiledExpression {
  readonly text: string;
  /** What it evaluates to, in the words of CEL: `bool`, `string`, `optional<string>`, `dyn`. */
  readonly type: string;
  /**
   * @param budget one of its own when it is left out
   * @throws {Error} when it fails for these variables (a missing key for example), or costs more than is left
   */
  evaluate(variables: Variables, budget?: Budget): unknown;
}

/** Where and how an expression is wrong; offset and length in UTF-16 units of the text. */
export interface ExpressionIssue {
  readonly offset: number;
  readonly length?: number;
  readonly expected: string;
  readonly found: string;
}

export type ExpressionReading = { readonly expression: CompiledExpression } | { readonly issue: ExpressionIssue };

/** What an expression is for. `bool`: a match. `value`: a field, anything that JSON has. `text`: a string or nothing. */
export type ExpressionResult = 'bool' | 'text' | 'value';

const environment = Object.entries(VARIABLES).reduce(
  (env, [name, type]) => env.registerVariable(name, type),
  new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxAstNodes: 1000, maxDepth: 50, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 16 },
  }),
);

/** Parses and type-checks an expression, and holds its type against what it is for. */
export function readExpression(text: string, result: ExpressionResult): ExpressionReading {
  try {
    const parsed = environment.parse(text);
    const check = parsed.check();
    if (!check.valid) throw check.error;
    const type = check.type ?? 'dyn';
    if (result === 'bool' && type !== 'bool' && type !== 'dyn') {
      return { issue: { offset: 0, length: text.length, expected: 'an expression of type bool', found: type } };
    }
    return {
      expression: {
        text,
        type,
        evaluate: (variables) => toPlain(parsed(variables as Record<string, unknown>)),
      },
    };
  } catch (error) {
    return { issue: issueOf(error) };
  }
}

/** @throws {Error} with what is wrong and where in the expression */
export function compileExpression(text: string): CompiledExpression {
  const reading = readExpression(text, 'value');
  if ('expression' in reading) return reading.expression;
  const { offset, expected, found } = reading.issue;
  throw new Error(`at ${offset + 1}: expected ${expected}, found ${found}`);
}

function issueOf(error: unknown): ExpressionIssue {
  if (!(error instanceof ParseError || error instanceof TypeFault)) {
    return { offset: 0, expected: 'an expression', found: messageOf(error) };
  }
  const { start, end } = error.range ?? { start: 0, end: 0 };
  return { offset: start, length: end - start, expected: 'an expression', found: error.summary };
}

/** CEL values as JSON has them: no integers of its own, no optional values; an absent one is null. */
function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Optional) return value.hasValue() ? toPlain(value.value()) : null;
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, of]) => [String(key), toPlain(of)]));
  return value;
}
