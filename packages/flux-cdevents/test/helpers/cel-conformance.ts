import { tests } from '@bufbuild/cel-spec/testdata/conformance.js';
import type { SerializedIncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js';

/** A value of the conformance tests, independent of how a library represents it. */
export type CelValue =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int' | 'uint'; readonly value: bigint }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'string' | 'type'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'duration'; readonly seconds: bigint; readonly nanos: number }
  | { readonly kind: 'timestamp'; readonly epochMs: number }
  | { readonly kind: 'list'; readonly values: readonly CelValue[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [CelValue, CelValue])[] };

/** One test of the simple files. */
export interface ConformanceTest {
  /** `comparisons/eq_literal/eq_int`. */
  readonly id: string;
  readonly file: string;
  readonly expression: string;
  /** Name and type in the words of CEL: `int`, `map<string, dyn>`. */
  readonly variables: readonly (readonly [name: string, type: string])[];
  readonly bindings: readonly (readonly [name: string, value: CelValue])[];
  /** False when the expression does not type-check on purpose. */
  readonly checked: boolean;
  readonly expected: { readonly value: CelValue } | { readonly error: string } | { readonly type: string };
  /** Why it cannot be run without protocol buffers, if so. */
  readonly skip?: string;
}

type Json = { readonly [key: string]: Json | undefined } | readonly Json[] | string | number | boolean | null;
type Fields = { readonly [key: string]: Json | undefined };

/** Thrown where a test needs what is left out here. */
class Skip extends Error {}

const fieldsOf = (json: Json | undefined): Fields => (json ?? {}) as Fields;
const listOf = (json: Json | undefined): readonly Json[] => (json ?? []) as readonly Json[];

/** Files of which every test is about protocol buffers. */
const PROTO_FILES = new Set(['dynamic', 'enums', 'proto2', 'proto2_ext', 'proto3', 'wrappers']);
const PROTO_IN_TEXT =
  /TestAllTypes|NestedTestAllTypes|google\.protobuf\.(?!Timestamp|Duration)|google\.protobuf\.\w+\s*\{|\bproto\.(has|get)Ext\b/;

/** The simple files of the CEL conformance tests, in their order. */
export const conformanceTests = (): readonly ConformanceTest[] =>
  (tests as SerializedIncrementalTestSuite).suites?.flatMap((file) => testsOf(file, file.name, file.name)) ?? [];

function testsOf(suite: SerializedIncrementalTestSuite, file: string, path: string): ConformanceTest[] {
  return [
    ...(suite.tests ?? []).map(({ original }) => testOf(original as Fields, file, path)),
    ...(suite.suites ?? []).flatMap((inner) => testsOf(inner, file, `${path}/${inner.name}`)),
  ];
}

function testOf(original: Fields, file: string, path: string): ConformanceTest {
  const base = {
    id: `${path}/${original.name}`,
    file,
    expression: String(original.expr),
    checked: original.disableCheck !== true,
    variables: [],
    bindings: [],
  };
  try {
    if (PROTO_FILES.has(file)) throw new Skip('messages of protocol buffers');
    if (PROTO_IN_TEXT.test(`${base.expression} ${JSON.stringify(original.typeEnv ?? '')}`)) {
      throw new Skip('messages of protocol buffers');
    }
    if (original.disableMacros === true) throw new Skip('macros switched off');
    return {
      ...base,
      variables: listOf(original.typeEnv).map((declaration) => variableOf(fieldsOf(declaration))),
      bindings: Object.entries(fieldsOf(original.bindings)).map(([name, bound]) => [
        name,
        celValueOf(fieldsOf(fieldsOf(bound).value)),
      ]),
      expected: expectedOf(original),
    };
  } catch (error) {
    if (error instanceof Skip) return { ...base, expected: { error: '' }, skip: error.message };
    throw error;
  }
}

function expectedOf({ value, evalError, typedResult, checkOnly }: Fields): ConformanceTest['expected'] {
  if (evalError) return { error: String(fieldsOf(listOf(fieldsOf(evalError).errors)[0]).message) };
  const { result, deducedType } = fieldsOf(typedResult);
  if (checkOnly === true || (deducedType && !result)) return { type: typeOf(fieldsOf(deducedType)) };
  return { value: celValueOf(fieldsOf(value ?? result ?? { boolValue: true })) };
}

function variableOf({ name, ident, function: isFunction }: Fields): readonly [string, string] {
  if (isFunction) throw new Skip('declares functions');
  return [String(name), typeOf(fieldsOf(fieldsOf(ident).type))];
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  BOOL: 'bool',
  INT64: 'int',
  UINT64: 'uint',
  DOUBLE: 'double',
  STRING: 'string',
  BYTES: 'bytes',
};

/** A type as CEL writes it. */
function typeOf(type: Fields): string {
  const [kind = 'dyn'] = Object.keys(type);
  const inner = fieldsOf(type[kind]);
  switch (kind) {
    case 'primitive':
      return PRIMITIVES[String(type.primitive)] ?? 'dyn';
    case 'null':
      return 'null_type';
    case 'dyn':
      return 'dyn';
    case 'listType':
      return `list<${typeOf(fieldsOf(inner.elemType))}>`;
    case 'mapType':
      return `map<${typeOf(fieldsOf(inner.keyType))}, ${typeOf(fieldsOf(inner.valueType))}>`;
    case 'type':
      return 'type';
    case 'wellKnown':
      if (type.wellKnown === 'DURATION') return 'google.protobuf.Duration';
      if (type.wellKnown === 'TIMESTAMP') return 'google.protobuf.Timestamp';
      break;
    case 'messageType':
      if (/^google\.protobuf\.(Duration|Timestamp)$/.test(String(type.messageType))) return String(type.messageType);
      break;
    case 'abstractType':
      if (inner.name === 'optional_type') return `optional<${typeOf(fieldsOf(listOf(inner.parameterTypes)[0]))}>`;
      break;
  }
  throw new Skip(`the type ${kind}`);
}

const numberOf = (json: Json | undefined): number =>
  json === 'NaN' ? Number.NaN : json === 'Infinity' ? Infinity : json === '-Infinity' ? -Infinity : Number(json);

function celValueOf(json: Fields): CelValue {
  const [kind = ''] = Object.keys(json);
  const value = json[kind];
  switch (kind) {
    case 'nullValue':
      return { kind: 'null' };
    case 'boolValue':
      return { kind: 'bool', value: value === true };
    case 'int64Value':
      return { kind: 'int', value: BigInt(String(value)) };
    case 'uint64Value':
      return { kind: 'uint', value: BigInt(String(value)) };
    case 'doubleValue':
      return { kind: 'double', value: numberOf(value) };
    case 'stringValue':
      return { kind: 'string', value: String(value) };
    case 'typeValue':
      return { kind: 'type', value: String(value) };
    case 'bytesValue':
      return { kind: 'bytes', value: Buffer.from(String(value), 'base64') };
    case 'listValue':
      return { kind: 'list', values: listOf(fieldsOf(value).values).map((item) => celValueOf(fieldsOf(item))) };
    case 'mapValue':
      return {
        kind: 'map',
        entries: listOf(fieldsOf(value).entries).map((entry) => [
          celValueOf(fieldsOf(fieldsOf(entry).key)),
          celValueOf(fieldsOf(fieldsOf(entry).value)),
        ]),
      };
    case 'objectValue':
      return messageOf(fieldsOf(value));
    default:
      throw new Skip(`a value of kind ${kind}`);
  }
}

function messageOf(message: Fields): CelValue {
  const type = String(message['@type']).replace('type.googleapis.com/', '');
  const text = String(message.value);
  if (type === 'google.protobuf.Timestamp') return { kind: 'timestamp', epochMs: Date.parse(text) };
  if (type === 'google.protobuf.Duration') {
    const [, sign = '', seconds = '0', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?s$/.exec(text) ?? [];
    const factor = sign === '-' ? -1 : 1;
    return {
      kind: 'duration',
      seconds: BigInt(factor) * BigInt(seconds),
      nanos: factor * Number(fraction.padEnd(9, '0')),
    };
  }
  throw new Skip('messages of protocol buffers');
}

/** A text that two values share when CEL takes them for the same value of the same type. */
export function describeValue(value: CelValue): string {
  switch (value.kind) {
    case 'null':
      return 'null';
    case 'bool':
    case 'int':
    case 'uint':
      return `${value.kind}(${value.value})`;
    case 'double':
      return `double(${Object.is(value.value, -0) ? '-0' : value.value})`;
    case 'string':
      return JSON.stringify(value.value);
    case 'type':
      return `type(${value.value})`;
    case 'bytes':
      return `bytes(${Buffer.from(value.value).toString('hex')})`;
    case 'duration':
      return `duration(${value.seconds}, ${value.nanos})`;
    case 'timestamp':
      return `timestamp(${value.epochMs})`;
    case 'list':
      return `[${value.values.map(describeValue).join(', ')}]`;
    case 'map':
      return `{${value.entries
        .map(([key, of]) => `${describeValue(key)}: ${describeValue(of)}`)
        .sort()
        .join(', ')}}`;
  }
}

/** What a library made of a test. */
export type Outcome =
  | { readonly value: CelValue }
  | { readonly error: string }
  | { readonly type: string }
  | { readonly unsupported: string };

/** Undefined when the outcome is what the test expects, else what is different. */
export function differenceOf({ expected }: ConformanceTest, outcome: Outcome): string | undefined {
  const wanted = describeOutcome(expected);
  const got = describeOutcome(outcome);
  if ('error' in expected)
    return 'error' in outcome ? undefined : `expected an error (${expected.error}), found ${got}`;
  return wanted === got ? undefined : `expected ${wanted}, found ${got}`;
}

function describeOutcome(outcome: Outcome): string {
  if ('value' in outcome) return describeValue(outcome.value);
  if ('type' in outcome) return `the type ${outcome.type}`;
  return 'error' in outcome ? `an error (${outcome.error})` : `no support (${outcome.unsupported})`;
}
