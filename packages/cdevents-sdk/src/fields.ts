import { type Static, type TOptional, type TSchema, Type } from 'typebox';
import { isDateTime, isUri, isUriReference } from './formats.ts';
import { type SpecVersion, specVersions } from './spec-version.ts';

// The building blocks of the vocabulary.

/** Makes a field optional; every other field is required. */
export const optional = <S extends TSchema>(schema: S) => Type.Optional(schema);

/** Any string, including the empty string. */
export const text = Type.String();
/** A string of at least one character. */
export const word = Type.String({ minLength: 1 });
export const uri = Type.Refine(Type.String(), isUri, () => 'absolute URI');
export const uriReference = Type.Refine(Type.String({ minLength: 1 }), isUriReference, () => 'non-empty URI-reference');
export const dateTime = Type.Refine(Type.String(), isDateTime, () => 'RFC 3339 date-time');
export const texts = Type.Array(Type.String());
export const anyObject = Type.Unsafe<Record<string, unknown>>({ type: 'object' });

/** One of these values and no other. */
export const oneOf = <const T extends readonly string[]>(...values: T) => Type.Unsafe<T[number]>({ enum: [...values] });
/** Any string; the arguments are the values that the specification suggests. */
export const suggested = <const T extends readonly string[]>(..._values: T) =>
  Type.Unsafe<T[number] | (string & {})>({ type: 'string' });
/** As {@link suggested}, but not the empty string. */
export const suggestedWord = <const T extends readonly string[]>(..._values: T) =>
  Type.Unsafe<T[number] | (string & {})>({ type: 'string', minLength: 1 });

/** An object that has these fields and no others. */
export const closed = <P extends Record<string, TSchema>>(fields: P) =>
  Type.Object(fields, { additionalProperties: false });
/** An object that may have fields beyond these. */
export const open = <P extends Record<string, TSchema>>(fields: P) => Type.Object(fields);

/** Something outside the event: its id, and the system that the id belongs to. */
export const reference = closed({ id: word, source: optional(uriReference) });
/** In test events `source` may be any string, even an empty one. */
export const testReference = closed({ id: word, source: optional(text) });

/** A field that differs between spec versions: its schema in each version that has it. */
export interface PerVersion<S extends Partial<Record<SpecVersion, TSchema>> = Partial<Record<SpecVersion, TSchema>>> {
  readonly perVersion: S;
}

export const since04 = <S extends TSchema>(schema: S) => ({ perVersion: { '0.4': schema, '0.5': schema } });
export const until04 = <S extends TSchema>(schema: S) => ({ perVersion: { '0.3': schema, '0.4': schema } });
export const since05 = <S extends TSchema>(schema: S) => ({ perVersion: { '0.5': schema } });
export const changed05 = <A extends TSchema, B extends TSchema>(before: A, after: B) => ({
  perVersion: { '0.3': before, '0.4': before, '0.5': after },
});

/** The content of a subject: a schema for each field name. */
export type Fields = Readonly<Record<string, TSchema | PerVersion>>;

/** The fields that exist in one spec version. */
export type FieldsIn<F extends Fields, V extends SpecVersion> = {
  [K in keyof F as F[K] extends PerVersion<infer S> ? (V extends keyof S ? K : never) : K]: F[K] extends PerVersion<
    infer S
  >
    ? V extends keyof S
      ? S[V] extends TSchema
        ? S[V]
        : never
      : never
    : F[K] extends TSchema
      ? F[K]
      : never;
};

export const isPerVersion = (field: TSchema | PerVersion): field is PerVersion => 'perVersion' in field;

/** Returns the schemas of those `fields` that exist in `specVersion`. */
export function fieldsIn(fields: Fields, specVersion: SpecVersion): Record<string, TSchema> {
  const found: Record<string, TSchema> = {};
  for (const [name, field] of Object.entries(fields)) {
    const schema = isPerVersion(field) ? field.perVersion[specVersion] : field;
    if (schema) found[name] = schema;
  }
  return found;
}

export const indexOfVersion = (specVersion: SpecVersion): 0 | 1 | 2 => specVersions.indexOf(specVersion) as 0 | 1 | 2;

export type { Static, TOptional, TSchema };
