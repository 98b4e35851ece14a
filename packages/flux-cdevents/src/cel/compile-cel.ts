import type { Environment } from '@marcbachmann/cel-js';
import { type RemainingCost, withRemaining } from './cost.ts';
import { faultAt } from './fault.ts';
import { finishTree, type Scope } from './finish-tree.ts';
import { limitCost } from './limit-cost.ts';
import { prepareTree } from './prepare-tree.ts';
import type { Node } from './tree.ts';

/** In UTF-16 units. */
export const MAX_LENGTH = 4_096;

/** An expression that is parsed, type-checked and limited in cost. */
export interface CompiledCel {
  /** The type as CEL writes it, also for a value with fields. */
  readonly type: string;
  /** Evaluates the expression and passes the CEL value to `use`; the cost of both is deducted from what remains. */
  run<T>(variables: Readonly<Record<string, unknown>>, remaining: RemainingCost, use: (value: unknown) => T): T;
}

/** @throws {Error} an `ExpressionFault`, or an error of the library */
export function compileCel(environment: Environment, text: string, scope: Scope): CompiledCel {
  if (text.length > MAX_LENGTH) {
    throw faultAt({ start: 0, end: text.length }, `at most ${MAX_LENGTH} characters`, `${text.length}`);
  }
  const parsed = environment.parse(text);
  const root = parsed.ast as unknown as Node;
  prepareTree(root);
  const check = parsed.check();
  if (!check.valid) throw check.error;
  finishTree(root, scope);
  limitCost(root);
  return {
    type: check.type ?? 'dyn',
    run: (variables, remaining, use) =>
      withRemaining(remaining, () => use(parsed(variables as Record<string, unknown>))),
  };
}
