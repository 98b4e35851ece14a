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
 * @throws {Error} that names the path when an operation does not apply
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
  if (last === undefined || !isContainer(parent)) throw new Error(`${op} ${path}: the path does not exist`);
  const found = at(parent, last);
  if (op === 'test') {
    if (!isDeepStrictEqual(found, value)) throw new Error(`test ${path}: the value differs`);
  } else if (op === 'replace' && found === undefined) {
    throw new Error(`replace ${path}: the path does not exist`);
  } else if (op !== 'add' && op !== 'replace') {
    throw new Error(`${op} ${path}: unsupported operation`);
  } else {
    put(parent, last, structuredClone(value), op === 'add');
  }
}

/** In a list, `add` inserts an item and `replace` overwrites one. */
function put(parent: Container, step: string, value: unknown, insert: boolean): void {
  if (!Array.isArray(parent)) parent[step] = value;
  else parent.splice(step === '-' ? parent.length : Number(step), insert ? 0 : 1, value);
}

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

const at = (parent: Container, step: string): unknown =>
  Array.isArray(parent) ? parent[Number(step)] : Object.hasOwn(parent, step) ? parent[step] : undefined;
