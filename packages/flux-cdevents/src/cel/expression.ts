import { type CompiledCel, compileCel } from './compile-cel.ts';
import { MAX_COST, type RemainingCost } from './cost.ts';
import { describeFault } from './describe.ts';
import { createEnvironment } from './environment.ts';
import { type ExpressionIssue, faultAt } from './fault.ts';
import type { Reader } from './finish-tree.ts';
import { createObjectTypes, type ObjectTypeFields } from './object-types.ts';
import { toPlain } from './to-plain.ts';

export { MAX_COST, type RemainingCost } from './cost.ts';
export type { ExpressionIssue } from './fault.ts';

/** A value for each variable: plain objects as JSON has them. */
export type Variables = Readonly<Record<string, unknown>>;

/** An expression that is parsed and type-checked, ready to be evaluated over and over. */
export interface CompiledExpression {
  readonly text: string;
  /** What it evaluates to, in the words of CEL: `bool`, `string`, `optional<string>`, `dyn`. */
  readonly type: string;
  /**
   * The value as JSON has it; null for an optional value that is absent.
   * @param remaining the whole of `MAX_COST` when it is left out
   * @throws {Error} when it fails for these variables (a missing key for example), or costs more than is left
   */
  evaluate(variables: Variables, remaining?: RemainingCost): unknown;
}

export type ExpressionReading = { readonly expression: CompiledExpression } | { readonly issue: ExpressionIssue };

/** What an expression is for. `bool`: a match. `value`: a field, anything that JSON has. `text`: a string or nothing. */
export type ExpressionResult = 'bool' | 'text' | 'value';

/** What the expressions of an environment can refer to. */
export interface ExpressionSchema {
  readonly types: ObjectTypeFields;
  /** The CEL type of each variable: one of CEL, or one of `types`. */
  readonly variables: Readonly<Record<string, string>>;
}

/** An environment of CEL: the variables and types that its expressions see. */
export interface Expressions {
  /** Parses and type-checks an expression, and checks that its type suits its purpose. */
  readExpression(text: string, result: ExpressionResult): ExpressionReading;
  /** @throws {Error} with what is wrong and where in the expression */
  compileExpression(text: string): CompiledExpression;
  /** The fields of a type, with their CEL types; undefined for the types that CEL itself has. */
  fieldsOf(type: string): Readonly<Record<string, string>> | undefined;
}

/** Creates an environment. That takes a few milliseconds, and its expressions share what it holds: create it once. */
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

/** Some errors quote the text that they are about, which may be the whole message of an event. */
function shortened(error: unknown): unknown {
  if (!(error instanceof Error) || error.message.length <= MAX_MESSAGE) return error;
  const [line = ''] = error.message.slice(0, 2 * MAX_MESSAGE).split('\n');
  return new Error(line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line);
}

const EXPECTED: Readonly<Record<ExpressionResult, string>> = {
  bool: 'an expression of type bool',
  text: 'an expression of type string',
  value: 'a value that JSON has',
};

/** Whether a type can be what an expression is for; `dyn` can, and is found out about at run time. */
const fits: Readonly<Record<ExpressionResult, (type: string) => boolean>> = {
  bool: (type) => type === 'bool' || type.startsWith('dyn'),
  text: (type) => /^(optional<)?(string|null|dyn.*)>?$/.test(type),
  value: (type) => !/\b(bytes|type|google\.protobuf\.\w+|\w+Namespace)\b/.test(type),
};
