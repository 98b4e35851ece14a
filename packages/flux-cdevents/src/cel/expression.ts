import { type CompiledCel, compileCel } from './compile-cel.ts';
import { MAX_COST, type RemainingCost } from './cost.ts';
import { describeFault } from './describe-fault.ts';
import { createEnvironment } from './environment.ts';
import { type ExpressionIssue, faultAt } from './fault.ts';
import type { Reader } from './finish-tree.ts';
import { createObjectTypes, type ObjectTypeFields } from './object-types.ts';
import { toPlain } from './to-plain.ts';

export { MAX_COST, type RemainingCost } from './cost.ts';
export type { ExpressionIssue } from './fault.ts';

/** A value for each variable, as plain JSON values. */
export type Variables = Readonly<Record<string, unknown>>;

/** An expression that is parsed and type-checked, ready to be evaluated many times. */
export interface CompiledExpression {
  readonly text: string;
  /** The CEL type of its value: `bool`, `string`, `optional<string>`, `dyn`. */
  readonly type: string;
  /**
   * Evaluates to a JSON value; to null for an absent optional value.
   * @param remaining @default `MAX_COST`
   * @throws {Error} when it fails for these variables (for example for a missing key), or costs more than remains
   */
  evaluate(variables: Variables, remaining?: RemainingCost): unknown;
}

export type ExpressionReading = { readonly expression: CompiledExpression } | { readonly issue: ExpressionIssue };

/** The purpose of an expression. `bool`: a match. `value`: a field, any JSON value. `text`: a string or nothing. */
export type ExpressionResult = 'bool' | 'text' | 'value';

/** The variables and types that the expressions of an environment can refer to. */
export interface ExpressionSchema {
  readonly types: ObjectTypeFields;
  /** The CEL type of each variable: one of CEL's own, or one of `types`. */
  readonly variables: Readonly<Record<string, string>>;
}

/** A CEL environment: reads and compiles expressions for a set of variables and types. */
export interface Expressions {
  /** Parses and type-checks an expression, and checks that its type suits its purpose. */
  readExpression(text: string, result: ExpressionResult): ExpressionReading;
  /** @throws {Error} that names the fault and its place in the expression */
  compileExpression(text: string): CompiledExpression;
  /** The fields of a type with their CEL types; undefined for CEL's own types. */
  fieldsOf(type: string): Readonly<Record<string, string>> | undefined;
}

/** Creates an environment. This takes a few milliseconds, and expressions share its data: create it once. */
export function createExpressions({ types, variables }: ExpressionSchema): Expressions {
  const objectTypes = createObjectTypes(types);
  const { fieldsOf } = objectTypes;
  const environment = createEnvironment(objectTypes);
  const readers = new Map<string, Reader>();
  for (const [name, type] of Object.entries(variables)) {
    environment.registerVariable(name, type);
    if (fieldsOf(type)) readers.set(name, { type, read: objectTypes.readerOf(type) });
  }
  const names = Object.keys(variables);

  function readExpression(text: string, result: ExpressionResult): ExpressionReading {
    try {
      const { type, run } = compileCel(environment, text, { readers, fieldsOf });
      if (!fits[result](type)) throw faultAt({ start: 0, end: text.length }, EXPECTED[result], type);
      return { expression: { text, type, evaluate: evaluateWith(run) } };
    } catch (error) {
      return { issue: describeFault(error, text, { variables: names, fieldsOf }) };
    }
  }

  function compileExpression(text: string): CompiledExpression {
    const reading = readExpression(text, 'value');
    if ('expression' in reading) return reading.expression;
    const { offset, expected, found } = reading.issue;
    throw new Error(`${text}: at ${offset + 1}: expected ${expected}, found ${found}`);
  }

  return { readExpression, compileExpression, fieldsOf };
}

const evaluateWith =
  (run: CompiledCel['run']): CompiledExpression['evaluate'] =>
  (variables, remaining = { left: MAX_COST }) => {
    try {
      return run(variables, remaining, toPlain);
    } catch (error) {
      throw shortened(error);
    }
  };

const MAX_MESSAGE = 300;

/** Shortens an error that quotes its operand, which may be the whole message of an event. */
function shortened(error: unknown): unknown {
  if (!(error instanceof Error) || error.message.length <= MAX_MESSAGE) return error;
  const [line = ''] = error.message.slice(0, 2 * MAX_MESSAGE).split('\n');
  return new Error(line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line);
}

const EXPECTED: Readonly<Record<ExpressionResult, string>> = {
  bool: 'an expression of type bool',
  text: 'an expression of type string',
  value: 'a value that JSON can represent',
};

/** Whether a type suits the purpose of an expression. `dyn` does: its values are checked at run time. */
const fits: Readonly<Record<ExpressionResult, (type: string) => boolean>> = {
  bool: (type) => type === 'bool' || type.startsWith('dyn'),
  text: (type) => /^(optional<)?(string|null|dyn.*)>?$/.test(type),
  value: (type) => !/\b(bytes|type|google\.protobuf\.\w+|\w+Namespace)\b/.test(type),
};
