import Type, { type Static, type TProperties, type TSchema } from 'typebox';
import type { Validator } from 'typebox/compile';
import { Value } from 'typebox/value';
import { createIssue, type Issue, type Parsed, parsedFrom } from '../diagnostics/issue.ts';
import { shapeIssues } from '../diagnostics/shape-issues.ts';
import { listed } from '../diagnostics/words.ts';
import type { NamespacedName } from './object-ref.ts';

/** API group of Provider and Alert. */
export const NOTIFICATION_GROUP = 'notification.toolkit.fluxcd.io';

/** The namespace of an object in a file that does not name one. */
export const DEFAULT_NAMESPACE = 'default';

/** The versions of Provider and Alert that are read, newest first. */
export const NOTIFICATION_VERSIONS = ['v1', 'v1beta3', 'v1beta2'] as const;

export const notificationApi = {
  apiVersion: Type.String({
    pattern: `^${NOTIFICATION_GROUP.replaceAll('.', String.raw`\.`)}/(${NOTIFICATION_VERSIONS.join('|')})$`,
    expected: `${NOTIFICATION_GROUP}/${listed(NOTIFICATION_VERSIONS)}`,
  }),
};

export const textMap = Type.Record(Type.String(), Type.String(), { expected: 'a map of strings' });

export const reference = Type.Object({ name: Type.String({ minLength: 1, expected: 'the name of an object' }) });

const metadataFields = {
  name: Type.String({
    maxLength: 253,
    pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
    expected: 'a name of at most 253 lower case letters, digits, - and .',
  }),
  namespace: Type.Optional(
    Type.String({
      maxLength: 63,
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      expected: 'a namespace of at most 63 lower case letters, digits and -',
    }),
  ),
};
export const objectMetadata = Type.Object(metadataFields);
export const annotatedMetadata = Type.Object({ ...metadataFields, annotations: Type.Optional(textMap) });

/** The object without the fields that the shape does not know, or all its issues. The document does not change. */
export function readObject<S extends TSchema>(shape: Validator<TProperties, S>, document: unknown): Parsed<Static<S>> {
  const copy = withoutNulls(document);
  const issues = shapeIssues(shape, copy);
  return parsedFrom(() => Value.Clean(shape.Type(), copy) as Static<S>, issues);
}

/** A deep copy without the members that are null, which an API server treats as left out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && member !== undefined)
      .map(([key, member]) => [key, withoutNulls(member)]),
  );
}

/** Namespace and name of any document, whatever else is wrong with it; undefined when it has no name. */
export function readName(document: unknown): NamespacedName | undefined {
  const { name, namespace } = memberOf(document, 'metadata') ?? {};
  if (typeof name !== 'string' || name === '') return undefined;
  return { namespace: typeof namespace === 'string' && namespace !== '' ? namespace : DEFAULT_NAMESPACE, name };
}

/** A member that is itself a map. */
export function memberOf(document: unknown, key: string): Readonly<Record<string, unknown>> | undefined {
  if (typeof document !== 'object' || document === null) return undefined;
  const member: unknown = Reflect.get(document, key);
  return typeof member === 'object' && member !== null ? (member as Record<string, unknown>) : undefined;
}

/** The members of a map of strings, and an issue for each that is not a string. A null member is an empty string. */
export function readEntries(
  document: unknown,
  field: string,
  expected: string,
): { readonly entries: readonly (readonly [string, string])[]; readonly issues: readonly Issue[] } {
  const value = typeof document === 'object' && document !== null ? Reflect.get(document, field) : undefined;
  if (value === undefined || value === null) return { entries: [], issues: [] };
  const map = memberOf(document, field);
  if (!map || Array.isArray(map)) {
    const issue = createIssue('invalid-value', [field], 'a map of keys to values', 'something else');
    return { entries: [], issues: [issue] };
  }
  const entries: [string, string][] = [];
  const issues: Issue[] = [];
  for (const [key, member] of Object.entries(map)) {
    const found = `a ${Array.isArray(member) ? 'list' : typeof member}`;
    if (typeof member === 'string') entries.push([key, member]);
    else if (member === null) entries.push([key, '']);
    else issues.push(createIssue('invalid-value', [field, key], expected, found));
  }
  return { entries, issues };
}
