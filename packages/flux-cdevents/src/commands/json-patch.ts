import { isDeepStrictEqual } from 'node:util';
import { parsePointer } from '../lib/json-pointer.ts';

/** The operations of JSON Patch that our manifests use. */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'test';
  /** JSON Pointer; `-` at its end is the place behind the last item of a list. */
  readonly path: string;
  readonly value: unknown;
}

type Container = Record<string, unknown> | unknown[];

/**
 * A copy of a document, changed.
 * @throws {Error} where an operation does not apply; it names the path
 * @see https://www.rfc-editor.org/rfc/rfc6902
 */
export function patched<T extends object>(document: T, operations: readonly PatchOperation[]): T {
  const copy = structuredClone(document);
  for (const operation of operations) apply(copy as Container, operation);
  return copy;
}

function apply(document: Container, { op, path, value }: PatchOperation): void {
  const steps = parsePointer(path);
  const last = steps.pop();
  let parent: unknown = document;
  for (const step of steps) parent = isContainer(parent) ? at(parent, step) : undefined;
  if (last === undefined || !isContainer(parent)) throw new Error(`${op} ${path}: there is no such place`);
  const found = at(parent, last);
  if (op === 'test') {
    if (!isDeepStrictEqual(found, value)) throw new Error(`test ${path}: it is another value`);
  } else if (op === 'replace' && found === undefined) {
    throw new Error(`replace ${path}: there is nothing`);
  } else if (op !== 'add' && op !== 'replace') {
    throw new Error(`${op} ${path}: an operation that is not known here`);
  } else {
    put(parent, last, structuredClone(value), op === 'add');
  }
}

/** Into a list `add` inserts, `replace` does not. */
function put(parent: Container, step: string, value: unknown, insert: boolean): void {
  if (!Array.isArray(parent)) parent[step] = value;
  else parent.splice(step === '-' ? parent.length : Number(step), insert ? 0 : 1, value);
}

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

const at = (parent: Container, step: string): unknown =>
  Array.isArray(parent) ? parent[Number(step)] : Object.hasOwn(parent, step) ? parent[step] : undefined;
