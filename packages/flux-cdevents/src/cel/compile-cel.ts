import type { Environment } from '@marcbachmann/cel-js';
import { faultAt } from './fault.ts';
import { finishTree, type Reader } from './finish-tree.ts';
import { limitCost } from './limit-cost.ts';
import { type Budget, metered } from './meter.ts';
import { prepareTree } from './prepare-tree.ts';
import type { Node } from './tree.ts';

/** In UTF-16 units. */
export const MAX_LENGTH = 4_096;

/** An expression in some environment, parsed, checked and made to spend. */
export interface CompiledCel {
  /** As CEL writes it, for a value that has fields as well. */
  readonly type: string;
  /** Evaluates on a budget, and hands the value of CEL to `use` while it still spends. */
  run<T>(variables: Readonly<Record<string, unknown>>, budget: Budget, use: (value: unknown) => T): T;
}

/**
 * @param readers for the variables that have fields
 * @throws {Error} an `ExpressionFault`, or an error of the library
 */
export function compileCel(environment: Environment, text: string, readers: ReadonlyMap<string, Reader>): CompiledCel {
  if (text.length > MAX_LENGTH) {
    throw faultAt({ start: 0, end: text.length }, `at most ${MAX_LENGTH} characters`, `${text.length}`);
  }
  const parsed = environment.parse(text);
  const root = parsed.ast as unknown as Node;
  prepareTree(root);
  const check = parsed.check();
  if (!check.valid) throw check.error;
  finishTree(root, readers);
  limitCost(root);
  return {
    type: check.type ?? 'dyn',
    run: (variables, budget, use) => metered(budget, () => use(parsed(variables as Record<string, unknown>))),
  };
}
