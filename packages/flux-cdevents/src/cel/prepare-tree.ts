import { meantWord, suggest } from '../diagnostics/words.ts';
import { FUNCTIONS, REPLACED } from './environment.ts';
import { faultAt } from './fault.ts';
import { argumentsOf, calledNameOf, isCall, literalOf, type Node, receiverNodeOf, walk } from './tree.ts';

const LOST_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Prepares a tree for the check: replaces calls of functions that the library offers in another form, refuses extensions of
 * the library that are not CEL, and checks the argument of `has`, which the library does not.
 * @throws {ExpressionFault}
 */
export function prepareTree(root: Node): void {
  walk(root, (node) => {
    if (isCall(node)) prepareCall(node);
    if (node.op === 'map') refuseLostKeys(node);
    if (node.op === '?:') letNullStandForNothing(node);
  });
}

/** The names of functions in other languages, for hints. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ...['length', 'len', 'count'].map((name) => [name, 'size'] as const),
  ...['lower', 'toLower', 'toLowerCase', 'downcase'].map((name) => [name, 'lowerAscii'] as const),
  ...['upper', 'toUpper', 'toUpperCase', 'upcase'].map((name) => [name, 'upperAscii'] as const),
  ...['match', 'test', 'regex'].map((name) => [name, 'matches'] as const),
  ...['any', 'some'].map((name) => [name, 'exists'] as const),
  ['every', 'all'],
  ['includes', 'contains'],
  ['replaceAll', 'replace'],
  ['strip', 'trim'],
  ['toString', 'string'],
  ['getOrDefault', 'orValue'],
]);

/** The library reports a macro with the wrong number of arguments as an unknown function. */
const MACROS: ReadonlyMap<string, string> = new Map([
  ...['all', 'exists', 'exists_one', 'filter'].map((name) => [name, `${name}(name, condition)`] as const),
  ['map', 'map(name, expression) or map(name, condition, expression)'],
  ['has', 'has(something.field)'],
  ['bind', 'cel.bind(name, value, expression)'],
  ['optMap', 'optMap(name, expression)'],
  ['optFlatMap', 'optFlatMap(name, expression)'],
]);

function prepareCall(node: Node): void {
  const name = calledNameOf(node);
  if (!FUNCTIONS.includes(name)) {
    const meant = OTHER_NAMES.get(name) ?? meantWord(name, FUNCTIONS);
    throw faultAt(placeOfName(node, name), `a function${suggest(meant)}`, name);
  }
  const form = MACROS.get(name);
  if (form && !node.meta.alternate && !node.meta.macro) {
    const count = argumentsOf(node).length;
    throw faultAt(placeOfName(node, name), form, `${name} with ${count} argument${count === 1 ? '' : 's'}`);
  }
  if (name === 'has') checkArgumentOf(node);
  const replacement = REPLACED.get(name);
  if (replacement) (node.args as [string])[0] = replacement;
}

/** The position of a method's name: after the receiver, right before the arguments. */
function placeOfName(node: Node, name: string): { start: number; end: number } {
  const start = node.op === 'rcall' ? node.input.indexOf(name, receiverNodeOf(node)?.end) : node.start;
  return { start, end: start + name.length };
}

function checkArgumentOf(node: Node): void {
  const { macro } = node.meta;
  const [field] = argumentsOf(node);
  if (!macro || field?.op !== '.') return;
  const { typeCheck } = macro;
  macro.typeCheck = (checker, self, context) => {
    checker.check(field, context);
    return typeCheck(checker, self, context);
  };
}

/** In `condition ? event.message : null`, null omits the field, whatever the type of the other branch. */
function letNullStandForNothing(node: Node): void {
  for (const branch of (node.args as readonly Node[]).slice(1)) {
    if (literalOf(branch) === null) branch.meta.check = (checker) => checker.dynType;
  }
}

function refuseLostKeys(node: Node): void {
  for (const [key] of node.args as [Node, Node][]) {
    const name = literalOf(key);
    if (typeof name === 'string' && LOST_KEYS.has(name)) throw faultAt(key, 'another key', name);
  }
}
