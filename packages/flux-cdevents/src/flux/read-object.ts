import Type, { type Static, type TProperties, type TSchema } from 'typebox';
import type { Validator } from 'typebox/compile';
import { Value } from 'typebox/value';
import type { ConfigIssue } from '../diagnostics/issue.ts';
import { formatPath, type Parsed, shapeIssues, withoutNulls } from '../diagnostics/issues.ts';
import type { NamespacedName } from './object-ref.ts';

/** API group of Provider and Alert. */
export const NOTIFICATION_GROUP = 'notification.toolkit.fluxcd.io';

/** Where a namespace is left out in a file. */
export const DEFAULT_NAMESPACE = 'default';

/** The versions of Provider and Alert that are read, newest first. */
export const NOTIFICATION_VERSIONS = ['v1', 'v1beta3', 'v1beta2'] as const;

export const notificationApi = {
  apiVersion: Type.Enum(
    NOTIFICATION_VERSIONS.map((version) => `${NOTIFICATION_GROUP}/${version}`),
    { description: `${NOTIFICATION_GROUP}/v1, v1beta3 or v1beta2` },
  ),
};

export const textMap = Type.Record(Type.String(), Type.String(), { description: 'a map of strings' });

export const reference = Type.Object({ name: Type.String({ minLength: 1, description: 'the name of an object' }) });

const metadataFields = {
  name: Type.String({
    maxLength: 253,
    pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
    description: 'a name of at most 253 lower case letters, digits, - and .',
  }),
  namespace: Type.Optional(
    Type.String({
      maxLength: 63,
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      description: 'a namespace of at most 63 lower case letters, digits and -',
    }),
  ),
};
export const objectMetadata = Type.Object(metadataFields);
export const annotatedMetadata = Type.Object({ ...metadataFields, annotations: Type.Optional(textMap) });

/** The object without the fields that the shape does not know, or all its issues. The document is left as it is. */
export function readObject<S extends TSchema>(shape: Validator<TProperties, S>, document: unknown): Parsed<Static<S>> {
  const copy = withoutNulls(document);
  if (shape.Check(copy)) return { value: Value.Clean(shape.Type(), copy) as Static<S>, issues: [] };
  const [first, ...more] = shapeIssues(shape, copy);
  const issue = first ?? { path: 'document', expected: 'an object', found: 'something else' };
  return { value: undefined, issues: [issue, ...more] };
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

/** The members of a map of texts, and an issue for what is no text. A member that is null is an empty text. */
export function entriesOf(
  document: unknown,
  field: string,
  expected: string,
  issues: ConfigIssue[],
): [string, string][] {
  const value = typeof document === 'object' && document !== null ? Reflect.get(document, field) : undefined;
  if (value === undefined || value === null) return [];
  const map = memberOf(document, field);
  if (!map || Array.isArray(map)) {
    issues.push({ path: field, expected: 'a map of keys to values', found: 'something else' });
    return [];
  }
  const entries: [string, string][] = [];
  for (const [key, member] of Object.entries(map)) {
    if (typeof member === 'string') entries.push([key, member]);
    else if (member === null) entries.push([key, '']);
    else
      issues.push({
        path: formatPath([field, key]),
        expected,
        found: `a ${Array.isArray(member) ? 'list' : typeof member}`,
      });
  }
  return entries;
}
