import { Optional } from '@marcbachmann/cel-js';
import { didYouMean } from '../diagnostics/words.ts';
import { DURATION, REPLACED, TIMESTAMP } from './environment.ts';
import { faultAt } from './fault.ts';
import { isRecord, type ObjectTypes } from './object-types.ts';
import { isFound, readPattern } from './patterns.ts';
import {
  argumentsOf,
  type CelType,
  calledNameOf,
  evaluationOf,
  literalOf,
  type Node,
  receiverNodeOf,
  walk,
} from './tree.ts';

/** Converts the plain value of a variable that has fields. */
export interface Reader {
  readonly type: string;
  read(value: unknown): unknown;
}

/** The names that an expression can refer to. */
export interface Scope {
  /** The converters of the variables that have fields, by name. */
  readonly readers: ReadonlyMap<string, Reader>;
  readonly fieldsOf: FieldsOf;
}

type FieldsOf = ObjectTypes['fieldsOf'];

/**
 * Finishes a checked tree: refuses what the check lets pass, compiles constant patterns, and shortens the access to fields.
 * @throws {ExpressionFault}
 */
export function finishTree(root: Node, { readers, fieldsOf }: Scope): void {
  walk(root, (node) => {
    switch (node.op) {
      case 'id':
        return readVariable(node, readers);
      case '.':
      case '.?':
        return finishField(node, fieldsOf);
      case '[]':
      case '[?]':
        return refuseIndexOfFields(node, fieldsOf);
      case '+':
        return refuseSwappedSum(node);
      case 'call':
      case 'rcall':
        if (calledNameOf(node) === REPLACED.get('matches')) keepPattern(node);
    }
  });
}

function readVariable(node: Node, readers: ReadonlyMap<string, Reader>): void {
  const name = node.args as string;
  const reader = readers.get(name);
  // The variable of a macro may have the same name; it then has another type, or is converted already.
  if (reader && node.checkedType?.name === reader.type) {
    const { read } = reader;
    node.evaluate = (_evaluator, _node, context) => read(context.getValue(name));
  }
}

/** Compiles a pattern that the rule contains literally, once. */
function keepPattern(node: Node): void {
  const place = argumentsOf(node).at(-1);
  const text = literalOf(place);
  if (!place || typeof text !== 'string') return;
  const pattern = readPattern(text);
  if (typeof pattern === 'string') throw faultAt(place, 'a regular expression of RE2', `${text} (${pattern})`);
  const { handle } = node;
  node.handle = (operands, ...rest) => {
    const [subject] = operands as unknown[];
    return typeof subject === 'string' ? isFound(pattern, subject) : handle?.(operands, ...rest);
  };
}

const withoutOptional = (type: CelType | undefined): CelType | undefined =>
  type?.kind === 'optional' ? type.valueType : type;

function finishField(node: Node, fieldsOf: FieldsOf): void {
  const receiver = receiverNodeOf(node);
  const type = withoutOptional(receiver?.checkedType);
  const fields = fieldsOf(type?.name ?? '');
  if (!receiver || !fields) {
    refuseInternals(node, type);
    return;
  }
  const name = calledNameOf(node);
  if (!Object.hasOwn(fields, name)) throw unknownField(node, receiver, Object.keys(fields));
  if (node.op === '.' && receiver.checkedType === type) {
    const read = (value: unknown) => {
      const found = (value as Readonly<Record<string, unknown>>)[name];
      if (found === undefined) throw new Error(`No such key: ${name}`);
      return found;
    };
    const receive = evaluationOf(receiver);
    node.evaluate = (evaluator, _, context) => read(receive(evaluator, receiver, context));
  }
}

function unknownField(node: Node, receiver: Node, fields: readonly string[]) {
  const name = calledNameOf(node);
  const of = node.input.slice(receiver.start, receiver.end);
  const hint = didYouMean(name, fields);
  return faultAt({ start: node.pos, end: node.end }, `a field of ${of}: ${fields.join(', ')}${hint}`, name);
}

/** The library types the sum of a duration and a timestamp as a duration. */
function refuseSwappedSum(node: Node): void {
  const [left, right] = node.args as [Node, Node];
  if (left.checkedType?.name === DURATION && right.checkedType?.name === TIMESTAMP) {
    throw faultAt(node, 'the timestamp before the duration', 'duration + timestamp');
  }
}

/** CEL indexes lists and maps, not objects with fields. */
function refuseIndexOfFields(node: Node, fieldsOf: FieldsOf): void {
  const [receiver, index] = node.args as [Node, Node];
  const fields = fieldsOf(withoutOptional(receiver.checkedType)?.name ?? '');
  if (fields) throw faultAt(index, `.field instead of [...]: ${Object.keys(fields).join(', ')}`, 'an index');
  refuseInternals(node, withoutOptional(receiver.checkedType));
}

/** The library would read properties of the JavaScript objects behind timestamps, durations and namespaces. */
function refuseInternals(node: Node, type: CelType | undefined): void {
  if (type?.kind === 'message') throw faultAt(node, 'a value with fields', type.name);
  const { handle } = node;
  if (type?.kind !== 'dyn' || !handle) return;
  node.handle = (value, ...rest) => {
    const inner = value instanceof Optional ? value.orValue(undefined) : value;
    if (!hasFields(inner)) throw new Error(`No such key: ${String(rest[0])}`);
    return handle(value, ...rest);
  };
}

function hasFields(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true; // the library finds none
  return Array.isArray(value) || value instanceof Map || isRecord(value);
}
