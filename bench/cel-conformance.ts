import { parseArgs } from 'node:util';
import {
  type CelInput,
  celEnv,
  celUint,
  isCelError,
  isCelList,
  isCelMap,
  isCelType,
  isCelUint,
  parse,
  plan,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { create, isMessage } from '@bufbuild/protobuf';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import {
  type CelValue,
  type ConformanceTest,
  conformanceTests,
  differenceOf,
  type Outcome,
} from '../packages/flux-cdevents/test/helpers/cel-conformance.ts';
import { runAsIs, runAsMapping } from '../packages/flux-cdevents/test/helpers/cel-js-runner.ts';

/*
 * Counts how many of CEL's own conformance tests cel-js and @bufbuild/cel pass, file by file; cel-js both unchanged and
 * as mappings use it. `--show mapping` (or `cel-js`, `bufbuild`) prints every failure.
 * usage: npm run bench:cel-conformance -- [--show mapping|cel-js|bufbuild]
 */

const { values } = parseArgs({ options: { show: { type: 'string' } } });

function toBufbuild(value: CelValue): CelInput {
  switch (value.kind) {
    case 'null':
      return null;
    case 'uint':
      return celUint(value.value);
    case 'list':
      return value.values.map(toBufbuild) as CelInput;
    case 'map':
      return new Map(value.entries.map(([key, of]) => [toBufbuild(key), toBufbuild(of)])) as CelInput;
    case 'duration':
      return create(DurationSchema, { seconds: value.seconds, nanos: value.nanos }) as CelInput;
    case 'timestamp': {
      const seconds = Math.floor(value.epochMs / 1000);
      const nanos = (value.epochMs - seconds * 1000) * 1e6;
      return create(TimestampSchema, { seconds: BigInt(seconds), nanos }) as CelInput;
    }
    default:
      return value.value as CelInput;
  }
}

function fromBufbuild(value: unknown): CelValue {
  if (value === null) return { kind: 'null' };
  if (typeof value === 'bigint') return { kind: 'int', value };
  if (typeof value === 'number') return { kind: 'double', value };
  if (typeof value === 'boolean') return { kind: 'bool', value };
  if (typeof value === 'string') return { kind: 'string', value };
  if (isCelUint(value)) return { kind: 'uint', value: value.value };
  if (value instanceof Uint8Array) return { kind: 'bytes', value };
  if (isCelType(value)) return { kind: 'type', value: value.name };
  if (isCelList(value)) return { kind: 'list', values: [...value].map(fromBufbuild) };
  if (isCelMap(value)) {
    return { kind: 'map', entries: [...value].map(([key, of]) => [fromBufbuild(key), fromBufbuild(of)]) };
  }
  const message: unknown = isReflectMessage(value) ? value.message : value;
  if (isMessage(message, DurationSchema)) return { kind: 'duration', seconds: message.seconds, nanos: message.nanos };
  if (isMessage(message, TimestampSchema)) {
    return { kind: 'timestamp', epochMs: Number(message.seconds) * 1000 + Math.floor(message.nanos / 1e6) };
  }
  throw new Error(`an unknown value: ${String(value)}`);
}

function runBufbuild(test: ConformanceTest): Outcome {
  if ('type' in test.expected) return { unsupported: 'no type checker is exported' };
  try {
    const run = plan(celEnv({ funcs: strings }), parse(test.expression)) as (bindings: unknown) => unknown;
    const result = run(Object.fromEntries(test.bindings.map(([name, value]) => [name, toBufbuild(value)])));
    return isCelError(result) ? { error: result.message } : { value: fromBufbuild(result) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

const libraries = { 'cel-js': runAsIs, mapping: runAsMapping, bufbuild: runBufbuild };
type Row = Record<'total' | 'skipped' | keyof typeof libraries, number>;
const emptyRow = (): Row => ({ total: 0, skipped: 0, 'cel-js': 0, mapping: 0, bufbuild: 0 });
const table = new Map<string, Row>();
const all = emptyRow();

for (const test of conformanceTests()) {
  const row = table.get(test.file) ?? emptyRow();
  table.set(test.file, row);
  for (const into of [row, all]) {
    into.total++;
    if (test.skip) into.skipped++;
  }
  if (test.skip) continue;
  for (const [name, run] of Object.entries(libraries)) {
    const difference = differenceOf(test, run(test));
    if (difference && values.show === name) console.log(`${test.id}\t${test.expression}\t${difference}`);
    for (const into of [row, all]) into[name as keyof typeof libraries] += difference ? 0 : 1;
  }
}
console.table(Object.fromEntries([...table, ['all', all]]));
