import { specVersions } from 'cdevents-sdk';
import Type, { type TSchema } from 'typebox';

/*
 * What the shapes of mapping.yaml and of its cases are made of, for the reader and as JSON Schemas for editors.
 */

/**
 * Of a part of a file: `expected` is what an error says, `description` what an editor shows.
 * Neither may stand for the other: one follows "expected", the other explains.
 */
export const says = (expected: string, description: string) => ({ expected, description });

export const closed = { additionalProperties: false } as const;

/** The draft that yaml-language-server and other editors know best. */
export const DRAFT = 'http://json-schema.org/draft-07/schema#';

export type Schema = Readonly<Record<string, unknown>>;

export const unsafe = (schema: Schema): TSchema => Type.Unsafe({ ...schema });

/** A version, in quotes or as the number that YAML takes it for. */
export const specVersionSchema = (description: string): TSchema =>
  unsafe({ description, enum: [...specVersions, ...specVersions.map(Number)] });

/** Without what is only for the reader. */
export const plain = (schema: unknown): Schema =>
  JSON.parse(JSON.stringify(schema, (key, value) => (key === 'expected' ? undefined : value))) as Schema;
