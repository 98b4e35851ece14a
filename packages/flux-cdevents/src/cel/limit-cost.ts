import { COST_OF_ERROR, CostError, spend, spendFor } from './cost.ts';
import {
  calledNameOf,
  childrenOf,
  comprehensionOf,
  type Evaluator,
  evaluationOf,
  type Handle,
  isCall,
  literalOf,
  type Node,
} from './tree.ts';

const MAX_INT = 2n ** 63n - 1n;

/**
 * Makes the evaluation of a checked tree deduct its cost. Nodes outside loops are evaluated at most once, so the root deducts
 * all of them; a loop deducts its nodes in each iteration. A cost that depends on the size of values is deducted where a
 * node handles its operands.
 */
export function limitCost(root: Node): void {
  const visit = (node: Node): number => {
    const loop = comprehensionOf(node);
    if (loop) {
      const turn = visit(loop.step);
      const evaluate = evaluationOf(loop.step);
      loop.step.evaluate = (evaluator, step, context) => {
        spend(turn);
        return evaluate(evaluator, step, context);
      };
      chargeOperands(node);
      return 2 + visit(loop.iterable) + visit(loop.init);
    }
    let cost = 1;
    for (const child of childrenOf(node)) cost += visit(child);
    chargeOperands(node);
    return cost;
  };
  const cost = visit(root);
  const evaluate = evaluationOf(root);
  root.evaluate = (evaluator, node, context) => {
    if (evaluator.tryEval !== tryEval) evaluator.tryEval = tryEval;
    spend(cost);
    return evaluate(evaluator, node, context);
  };
}

/** The evaluation of `&&`, `||`, `all` and `exists`: an error is a value there, which the other side may outweigh. */
function tryEval(this: Evaluator, node: Node, context: never): unknown {
  try {
    return this.run(node, context);
  } catch (error) {
    if (error instanceof CostError) throw error;
    spend(COST_OF_ERROR);
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Called with the operands before the node handles them. */
type Charge = (operands: readonly unknown[]) => void;

function chargeOperands(node: Node): void {
  const { handle } = node;
  if (!handle) return;
  const own = chargeOf(node);
  const charge = needsTypes(node) ? both(own, spendForSizes) : own;
  if (!charge) return;
  // A call receives its operands as one list, an operator receives them one by one.
  node.handle = isCall(node)
    ? (operands, ...rest) => {
        charge(operands as unknown[]);
        return inRange(handle(operands, ...rest));
      }
    : withCharge(node.op === '-_' || node.op === '/' ? (...operands) => inRange(handle(...operands)) : handle, charge);
}

const CHOOSES_BY_TYPE = new Set(['call', 'rcall', '!_', '-_', ...'== != < <= > >= in + - * / %'.split(' ')]);

/** A value of a type that is known only at run time is inspected to find its handler, and a map with many keys takes long. */
const needsTypes = (node: Node): boolean =>
  CHOOSES_BY_TYPE.has(node.op) && childrenOf(node).some(({ checkedType }) => checkedType?.hasDynType !== false);

const both =
  (first: Charge | undefined, second: Charge): Charge =>
  (operands) => {
    first?.(operands);
    second(operands);
  };

const withCharge =
  (handle: Handle, charge: Charge): Handle =>
  (left, right, ...rest) => {
    charge([left, right]);
    return handle(left, right, ...rest);
  };

/** The library omits this check for some operations. */
function inRange(value: unknown): unknown {
  if (typeof value === 'bigint' && (value > MAX_INT || value < -MAX_INT - 1n))
    throw new Error(`integer overflow: ${value}`);
  return value;
}

const nothing: Charge = () => {};

function chargeOf(node: Node): Charge | undefined {
  switch (node.op) {
    case 'call':
    case 'rcall':
      return CALLS.get(calledNameOf(node)) ?? spendForSizes;
    case '-_':
    case '/':
      return nothing;
    case '+':
      return isNumeric(node) ? undefined : spendForSizes;
    case '==':
    case '!=':
      return isCheap(node) ? undefined : chargeEquality;
    case '<':
    case '<=':
    case '>':
    case '>=':
      return isCheap(node) ? undefined : spendForSizes;
    case 'in':
      return isCheap(node) ? undefined : chargeIn;
    case '[?]':
    case '.?':
      // An index out of range shows as an error.
      return ([value, index]) => Array.isArray(value) && !(Number(index) < value.length) && spend(COST_OF_ERROR);
    case 'comprehension':
      return ([items]) => !Array.isArray(items) && spend(sizeOf(items));
    default:
      return undefined;
  }
}

const operandsOf = (node: Node): readonly Node[] => node.args as readonly Node[];
const NUMERIC = new Set(['int', 'uint', 'double']);
const isNumeric = (node: Node) => operandsOf(node).every(({ checkedType }) => NUMERIC.has(checkedType?.name ?? ''));

/** Comparing a string or number with a short literal, or a list of those, costs no more than the node itself. */
function isCheap(node: Node): boolean {
  const [left, right] = operandsOf(node);
  if (!left || !right) return false;
  return isScalar(left) && (isShortLiteral(left) || isShortLiteral(right) || isNumeric(node));
}

const SCALAR = new Set(['string', 'int', 'uint', 'double', 'bool', 'null']);
const isScalar = ({ checkedType }: Node) => SCALAR.has(checkedType?.name ?? '');

function isShortLiteral(node: Node): boolean {
  if (node.op === 'list') return (node.args as readonly Node[]).every(isShortLiteral);
  const value = literalOf(node);
  return typeof value === 'string' ? value.length <= 64 : value !== undefined && typeof value !== 'object';
}

/** The length of a value without its members. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof Map) return value.size;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 1;
}

/** The cost of copying a value: little for a character or a list item, more for a map, whose keys must be listed. */
function costOfCopy(value: unknown): number {
  if (typeof value === 'string') return value.length >> 6;
  return Array.isArray(value) || value instanceof Uint8Array ? value.length >> 2 : sizeOf(value);
}

const chargeEquality: Charge = ([left, right]) => {
  spendFor(left);
  if (typeof right === 'object') spend(costOfCopy(right));
};

function spendForSizes(operands: readonly unknown[]): void {
  let cost = 0;
  for (const operand of operands)
    if (typeof operand === 'string' || typeof operand === 'object') cost += costOfCopy(operand);
  spend(cost);
}

function chargeIn([value, within]: readonly unknown[]): void {
  if (!Array.isArray(within)) return;
  spend(within.length);
  if (typeof value === 'object' || sizeOf(value) > 64) for (const item of within) spendFor(item);
}

/** The cost of searching a string, quadratic in the worst case. */
const search =
  (factor: number): Charge =>
  ([text, part = '']) =>
    spend((sizeOf(text) >> 4) + Math.ceil((sizeOf(text) * sizeOf(part)) / factor));

/** The cost of a time zone, which the library looks up for each call. */
const calendar: Charge = ([, zone]) => {
  if (zone === undefined) return;
  spend(1_500);
  refuseLong(zone, 'a time zone');
};

const MAX_SHORT_TEXT = 64;

function refuseLong(text: unknown, expected: string): void {
  if (typeof text === 'string' && text.length > MAX_SHORT_TEXT)
    throw new Error(`expected ${expected}, found a long text`);
}

const CALLS: ReadonlyMap<string, Charge> = new Map<string, Charge>([
  ['re2_matches', nothing], // spends by itself
  ['size', ([value]) => spend(typeof value === 'string' ? value.length >> 2 : costOfCopy(value))],
  ['contains', search(500)],
  ['indexOf', search(500)],
  ['lastIndexOf', search(250)],
  [
    'split_text',
    (operands) => {
      search(500)(operands);
      const [text, separator] = operands;
      spend(separator === '' ? sizeOf(text) >> 1 : sizeOf(text) >> 3);
    },
  ],
  ['replace', search(500)],
  [
    'join',
    ([list, separator]) => {
      if (!Array.isArray(list)) return;
      let length = list.length * sizeOf(separator ?? '');
      for (const item of list) length += sizeOf(item);
      spend(list.length + (length >> 6));
    },
  ],
  ['ascii_lower', ([text]) => spend(sizeOf(text) >> 2)],
  ['ascii_upper', ([text]) => spend(sizeOf(text) >> 2)],
  ['double', ([value]) => spend(typeof value === 'string' ? value.length >> 2 : 1)],
  ['bytes', ([value]) => spend(sizeOf(value) >> 4)],
  ['duration', ([text]) => refuseLong(text, 'a duration such as 1h30m')],
  ...'Date DayOfMonth DayOfWeek DayOfYear FullYear Hours Milliseconds Minutes Month Seconds'
    .split(' ')
    .map((unit): [string, Charge] => [`get${unit}`, calendar]),
]);
