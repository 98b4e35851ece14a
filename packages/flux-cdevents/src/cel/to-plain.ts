import { Optional } from '@marcbachmann/cel-js';
import { UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { spend } from './cost.ts';
import { isRecord } from './object-types.ts';

/**
 * Copies a CEL value to a JSON value. An absent optional value becomes null; an integer that a JavaScript number cannot
 * hold becomes its digits, as CEL's own mapping to JSON has it.
 * @throws {Error} for a value that JSON cannot represent
 */
export function toPlain(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      spend(value.length >> 6);
      return value;
    case 'boolean':
      return value;
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new Error(`expected a value that JSON can represent, found the double ${value}`);
    case 'object':
      return value === null ? null : toPlainObject(value);
    default:
      throw new Error(`expected a value that JSON can represent, found a ${typeof value}`);
  }
}

function toPlainObject(value: object): unknown {
  spend(1);
  if (value instanceof Optional) return value.hasValue() ? toPlain(value.value()) : null;
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof UnsignedInt) return toPlain(BigInt(String(value)));
  if (value instanceof Map || isRecord(value)) {
    const copy: [string, unknown][] = [];
    for (const [key, of] of value instanceof Map ? value : Object.entries(value)) {
      spend(1);
      if (of !== undefined) copy.push([key, toPlain(of)]);
    }
    return Object.fromEntries(copy);
  }
  throw new Error('expected a value that JSON can represent, found bytes, a time, a duration or a type');
}
