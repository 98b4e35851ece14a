import type { TSchema } from 'typebox';
import type { Validator } from 'typebox/compile';
import { Settings } from 'typebox/system';
import type { ConfigIssue } from './issue.ts';

/** What a reader answers: the object, or all that is wrong with it at once. */
export type Parsed<T> =
  | { readonly value: T; readonly issues: readonly [] }
  | { readonly value: undefined; readonly issues: readonly [ConfigIssue, ...ConfigIssue[]] };

const MAX_SHOWN_CHARS = 80;
/** TypeBox stops at 8 unless told; an object is to be repaired in one go. */
const MAX_ISSUES = 100;

/** A value of an object that holds no secrets, as a message shows it: `"slak"`, `the number 5`, `a list`, `nothing`. */
export function describeFound(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') {
    return JSON.stringify(value.length > MAX_SHOWN_CHARS ? `${value.slice(0, MAX_SHOWN_CHARS)}…` : value);
  }
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a map';
  return String(value);
}

/** What may be said of a secret value: `2,100 bytes`. */
export const describeSize = (value: string | Uint8Array): string => {
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength;
  return bytes === 0 ? 'nothing' : `${bytes.toLocaleString('en-US')} ${bytes === 1 ? 'byte' : 'bytes'}`;
};

/** `spec.eventSources[0].matchLabels[app.kubernetes.io/name]`: keys that are no plain words stand in brackets. */
export const formatPath = (segments: readonly string[]): string =>
  segments.reduce((path, segment) => {
    if (!/^[A-Za-z_][\w-]*$/.test(segment)) return `${path}[${segment}]`;
    return path === '' ? segment : `${path}.${segment}`;
  }, '');

/** The reverse of `formatPath`. */
export const splitPath = (path: string): string[] =>
  [...path.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map((match) => match[1] ?? match[0]);

/** A deep copy without the members that are null, which an API server takes for left out. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && member !== undefined)
      .map(([key, member]) => [key, withoutNulls(member)]),
  );
}

/** Every way in which a document is not what the schema asks for, in the words of the schema's descriptions. */
export function shapeIssues(shape: Validator, document: unknown): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const seen = new Set<string>();
  for (const error of allErrors(shape, document)) {
    const at = error.instancePath
      .split('/')
      .slice(1)
      .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
    const places = error.keyword === 'required' ? error.params.requiredProperties.map((key) => [...at, key]) : [at];
    for (const place of places) {
      const path = formatPath(place) || 'document';
      if (seen.has(path)) continue;
      seen.add(path);
      const found = valueAt(document, place);
      issues.push({ path, expected: expectation(schemaAt(shape.Type(), place), found), found: describeFound(found) });
    }
  }
  return issues;
}

/**
 * What the schema library says of a document.
 * @param most of them
 */
export function allErrors(shape: Validator, document: unknown, most = MAX_ISSUES) {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: most });
  try {
    return shape.Errors(document);
  } finally {
    Settings.Set({ maxErrors });
  }
}

const expectedByType: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'a string',
  boolean: 'true or false',
};

function expectation(schema: SchemaNode | undefined, found: unknown): string {
  const expected = schema?.description ?? expectedByType[schema?.type ?? ''] ?? 'another value';
  const unquoted = schema?.type === 'string' && (typeof found === 'number' || typeof found === 'boolean');
  return unquoted ? `${expected} (put it in quotes)` : expected;
}

interface SchemaNode extends TSchema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

const schemaAt = (schema: SchemaNode, place: readonly string[]): SchemaNode | undefined =>
  place.reduce<SchemaNode | undefined>(
    (node, segment) => node?.properties?.[segment] ?? Object.values(node?.patternProperties ?? {})[0] ?? node?.items,
    schema,
  );

/** The member of a document at a place; undefined when there is none. */
export const valueAt = (document: unknown, place: readonly string[]): unknown =>
  place.reduce<unknown>(
    (value, segment) => (typeof value === 'object' && value !== null ? Reflect.get(value, segment) : undefined),
    document,
  );
