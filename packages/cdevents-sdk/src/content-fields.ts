import { type EventName, isEventName } from './event-type.ts';
import type { TSchema } from './fields.ts';
import { contentSchema } from './schema.ts';
import type { SpecVersion } from './spec-version.ts';

/** A field of `subject.content`, or of an object inside it. */
export interface ContentField {
  readonly name: string;
  readonly required: boolean;
  readonly kind: 'string' | 'list' | 'object';
  /** The allowed values, where they are limited. */
  readonly values?: readonly string[];
  /** The fields of an object. */
  readonly fields?: readonly ContentField[];
}

interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

function fieldsOf({ properties = {}, required = [] }: Schema): ContentField[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    required: required.includes(name),
    kind: schema.type === 'object' ? 'object' : schema.type === 'array' ? 'list' : 'string',
    ...(schema.enum && { values: schema.enum }),
    ...(schema.properties && { fields: fieldsOf(schema) }),
  }));
}

const known = new Map<string, readonly ContentField[]>();

/**
 * Lists the fields that the content of an event may or must have in a spec version.
 * @returns undefined when that spec version has no such event
 */
export function contentFields(name: string, specVersion: SpecVersion): readonly ContentField[] | undefined {
  if (!isEventName(name, specVersion)) return undefined;
  const key = `${name} ${specVersion}`;
  let fields = known.get(key);
  if (!fields) {
    fields = fieldsOf(contentSchema(name as EventName, specVersion) as TSchema as Schema);
    known.set(key, fields);
  }
  return fields;
}
