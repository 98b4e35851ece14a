/*
 * The parsed tree of cel-js. Its typings show `op` and `args`; the rest of what is described here (a node's `meta`,
 * `handle` and `evaluate`, the evaluator's `tryEval`) is internal to the pinned version. prepare-tree.ts, finish-tree.ts,
 * limit-cost.ts and optional-values.ts change it through these types; docs/adr/0003-cel-and-its-patches.md says why, and
 * which tests fail when it changes.
 */

/** A type of the checker. */
export interface CelType {
  readonly kind: string;
  readonly name: string;
  /** Whether a part of it is known only at run time. */
  readonly hasDynType: boolean;
  readonly valueType?: CelType;
  readonly keyType?: CelType;
}

/** The evaluator; there is one for each environment. */
export interface Evaluator {
  tryEval(node: Node, context: Context): unknown;
  run(node: Node, context: Context): unknown;
  debugType(value: unknown): CelType;
  readonly registry: {
    findBinaryOverload(operator: string, left: CelType, right: CelType): false | { readonly handler: Handle };
  };
}

/** The variables in scope of a node. */
export interface Context {
  getValue(name: string): unknown;
}

export type Evaluate = (evaluator: Evaluator, node: Node, context: Context) => unknown;
/** The operation of a node on its one to three evaluated operands, followed by the node and the evaluator. */
export type Handle = (...operands: unknown[]) => unknown;

/** A macro that is not expanded into other nodes: `has`, `cel.bind`, `or`, `orValue`. */
interface Macro {
  readonly args?: readonly Node[];
  readonly macroHasProps?: readonly Node[];
  readonly val?: Node;
  readonly exp?: Node;
  readonly receiver?: Node;
  readonly arg?: Node;
  evaluate: Evaluate;
  typeCheck(checker: Checker, macro: Macro, context: unknown): CelType;
}

export interface Checker {
  readonly dynType: CelType;
  check(node: Node, context: unknown): CelType;
}

interface Comprehension {
  readonly iterable: Node;
  readonly init: Node;
  readonly step: Node;
}

export interface Node {
  readonly op: string;
  args: unknown;
  /** The whole expression. */
  readonly input: string;
  readonly pos: number;
  readonly start: number;
  readonly end: number;
  readonly checkedType?: CelType;
  readonly meta: {
    readonly evaluate: Evaluate;
    check(checker: Checker, node: Node, context: unknown): CelType;
    readonly alternate?: Node;
    readonly macro?: Macro;
  };
  handle?: Handle;
  evaluate: Evaluate;
}

const nodes = (args: unknown): readonly Node[] => args as readonly Node[];

export const isCall = (node: Node): boolean => node.op === 'call' || node.op === 'rcall';
/** The name in a call or a field access. */
export const calledNameOf = (node: Node): string =>
  isCall(node) ? (node.args as [string])[0] : (node.args as [Node, string])[1];
/** The receiver of a method call or a field access. */
export const receiverNodeOf = (node: Node): Node | undefined => {
  if (node.op === 'rcall') return (node.args as [string, Node])[1];
  return node.op === 'call' ? undefined : nodes(node.args)[0];
};
export const argumentsOf = (node: Node): readonly Node[] =>
  nodes(node.op === 'rcall' ? (node.args as unknown[])[2] : (node.args as unknown[])[1]);
/** The value of a literal; undefined for any other node. */
export const literalOf = (node: Node | undefined): unknown => (node?.op === 'value' ? node.args : undefined);
export const comprehensionOf = (node: Node): Comprehension | undefined =>
  node.op === 'comprehension' ? (node.args as Comprehension) : undefined;

/** The nodes that the evaluation of a node evaluates, with macros expanded. */
export function childrenOf(node: Node): readonly Node[] {
  const { alternate, macro } = node.meta;
  if (alternate) return [alternate];
  if (macro) {
    const root = macro.macroHasProps?.at(-1);
    return [macro.receiver, macro.arg, macro.val, macro.exp, root ?? macro.args?.[0]].filter(
      (child) => child !== undefined,
    );
  }
  switch (node.op) {
    case 'value':
    case 'id':
    case 'accuValue':
    case 'accuInc':
      return [];
    case '!_':
    case '-_':
    case 'accuPush':
      return [node.args as Node];
    case '.':
    case '.?':
      return nodes(node.args).slice(0, 1);
    case 'call':
      return argumentsOf(node);
    case 'rcall':
      return [receiverNodeOf(node) as Node, ...argumentsOf(node)];
    case 'map':
      return (node.args as Node[][]).flat();
    case 'comprehension': {
      const { iterable, init, step } = node.args as Comprehension;
      return [iterable, init, step];
    }
    default:
      return nodes(node.args);
  }
}

/** Calls `visit` for a node and all its descendants, children first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  for (const child of childrenOf(node)) walk(child, visit);
  visit(node);
}

/** The evaluation of a node. The node's own `evaluate` replaces itself at its first call. */
export function evaluationOf(node: Node): Evaluate {
  const { alternate, macro, evaluate } = node.meta;
  if (alternate) return (evaluator, _, context) => alternate.evaluate(evaluator, alternate, context);
  if (macro) return (evaluator, _, context) => macro.evaluate(evaluator, macro as unknown as Node, context);
  return Object.hasOwn(node, 'evaluate') ? node.evaluate : evaluate;
}
