import { Optional } from '@marcbachmann/cel-js';
import { nearest } from '../../flux/nearest.ts';
import { describeNearest } from './describe.ts';
import { FUNCTIONS, REPLACED } from './environment.ts';
import { faultAt } from './fault.ts';
import { preparePattern } from './patterns.ts';
import { argumentsOf, type CelType, isCall, literalOf, type Node, nameOf, receiverOf, walk } from './tree.ts';
import { fieldsOf, TypedValue } from './types.ts';

const isMethod = (node: Node) => node.op === 'rcall';
const LOST_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Before the check: lets functions be called that the library does not have like this, refuses what is the library's
 * own and not CEL, and has the argument of `has` checked, which the library does not do.
 * @throws {ExpressionFault}
 */
export function prepareTree(root: Node): void {
  walk(root, (node) => {
    if (isCall(node)) prepareCall(node);
    if (node.op === 'map') refuseLostKeys(node);
    if (node.op === '?:') letNullStandForNothing(node);
  });
}

function prepareCall(node: Node): void {
  const name = nameOf(node);
  if (!FUNCTIONS.includes(name)) {
    const place = isMethod(node) ? placeOfMethod(node, name) : { start: node.start, end: node.start + name.length };
    throw faultAt(place, `a function${describeNearest(nearest(name, FUNCTIONS))}`, name);
  }
  if (name === 'matches') preparePatternOf(node);
  if (name === 'has') checkArgumentOf(node);
  const replacement = REPLACED.get(name);
  if (replacement) (node.args as [string])[0] = replacement;
}

/** The name comes right before the arguments, after the receiver. */
function placeOfMethod(node: Node, name: string): { start: number; end: number } {
  const input = (node as unknown as { readonly input: string }).input;
  const after = receiverOf(node)?.end ?? node.start;
  const start = input.indexOf(name, after);
  return start < 0 ? node : { start, end: start + name.length };
}

function preparePatternOf(node: Node): void {
  const pattern = argumentsOf(node).at(-1);
  const text = literalOf(pattern);
  if (!pattern || typeof text !== 'string') return;
  const reason = preparePattern(text);
  if (reason !== undefined) throw faultAt(pattern, 'a regular expression of RE2', `${text} (${reason})`);
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

/** `condition ? event.message : null`: null leaves a field out, whatever the type of the other branch. */
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

/**
 * After the check: refuses what it lets pass, and lets fields be read without a detour.
 * @throws {ExpressionFault}
 */
export function finishTree(root: Node, readers: ReadonlyMap<string, Reader>): void {
  walk(root, (node) => {
    switch (node.op) {
      case 'id':
        return readVariable(node, readers);
      case '.':
      case '.?':
        return finishField(node);
      case '[]':
      case '[?]':
        return refuseIndexOfFields(node);
    }
  });
}

/** Reads the value of a variable that has fields, given by its plain value. */
export interface Reader {
  readonly type: string;
  read(value: unknown): unknown;
}

function readVariable(node: Node, readers: ReadonlyMap<string, Reader>): void {
  const name = node.args as string;
  const reader = readers.get(name);
  // A macro may call its own variable like this, which then is of another type or a value of this one already.
  if (reader && node.checkedType?.name === reader.type) {
    const { read } = reader;
    node.evaluate = (_evaluator, _node, context) => read(context.getValue(name));
  }
}

const withoutOptional = (type: CelType | undefined): CelType | undefined =>
  type?.kind === 'optional' ? type.valueType : type;

function finishField(node: Node): void {
  const receiver = receiverOf(node);
  const type = withoutOptional(receiver?.checkedType);
  const fields = fieldsOf(type?.name ?? '');
  if (!receiver || !fields) {
    refuseInternals(node, type);
    return;
  }
  const name = nameOf(node);
  if (!Object.hasOwn(fields, name)) throw unknownField(node, receiver, Object.keys(fields));
  if (node.op === '.' && receiver.checkedType === type) {
    node.handle = (value) => {
      const found = (value as Readonly<Record<string, unknown>>)[name];
      if (found === undefined) throw new Error(`no such key: ${name}`);
      return found;
    };
  }
}

function unknownField(node: Node, receiver: Node, fields: readonly string[]) {
  const name = nameOf(node);
  const input = (node as unknown as { readonly input: string }).input;
  const of = input.slice(receiver.start, receiver.end);
  const hint = describeNearest(nearest(name, fields));
  return faultAt({ start: node.pos, end: node.end }, `a field of ${of}: ${fields.join(', ')}${hint}`, name);
}

/** CEL indexes lists and maps, not what has fields. */
function refuseIndexOfFields(node: Node): void {
  const [receiver, index] = node.args as [Node, Node];
  const fields = fieldsOf(withoutOptional(receiver.checkedType)?.name ?? '');
  if (fields) throw faultAt(index, `.field instead of [...]: ${Object.keys(fields).join(', ')}`, 'an index');
  refuseInternals(node, withoutOptional(receiver.checkedType));
}

/** The library would read the properties of the JavaScript objects that stand for times, durations and namespaces. */
function refuseInternals(node: Node, type: CelType | undefined): void {
  if (type?.kind === 'message') throw faultAt(node, 'something that has fields', type.name);
  const { handle } = node;
  if (type?.kind !== 'dyn' || !handle) return;
  node.handle = (value, ...rest) => {
    const inner = value instanceof Optional ? value.orValue(undefined) : value;
    if (!hasFields(inner)) throw new Error(`no such key: ${String(rest[0])}`);
    return handle(value, ...rest);
  };
}

function hasFields(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true; // the library finds none
  if (Array.isArray(value) || value instanceof TypedValue || value instanceof Map) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
