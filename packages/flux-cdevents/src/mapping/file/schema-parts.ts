import { eventNames, specVersions } from 'cdevents-sdk';
import Type, { type TSchema } from 'typebox';

/*
 * The parts that the shapes of mapping.yaml and of its cases share, for the reader and as JSON Schemas for editors.
 */

/**
 * The texts of a part of a file: `expected` completes an error message, `description` is what an editor shows.
 * Neither can replace the other: one follows the word "expected", the other explains.
 */
export const says = (expected: string, description: string) => ({ expected, description });

export const closed = { additionalProperties: false } as const;

/** The draft that yaml-language-server and other editors support best. */
export const DRAFT = 'http://json-schema.org/draft-07/schema#';

export type Schema = Readonly<Record<string, unknown>>;

export const unsafe = (schema: Schema): TSchema => Type.Unsafe({ ...schema });

/** The names of the events of all spec versions. */
export const allEventNames = [...new Set(specVersions.flatMap((version) => eventNames(version)))];

/** A version, in quotes or as a YAML number. */
export const specVersionSchema = (description: string): TSchema =>
  unsafe({ description, enum: [...specVersions, ...specVersions.map(Number)] });

/** A copy without the texts for the reader. */
export const plain = (schema: unknown): Schema =>
  JSON.parse(JSON.stringify(schema, (key, value) => (key === 'expected' ? undefined : value))) as Schema;
