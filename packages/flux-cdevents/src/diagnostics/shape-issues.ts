import type { TSchema } from 'typebox';
import type { Validator } from 'typebox/compile';
import { Settings } from 'typebox/system';
import { formatPointer, parsePointer } from '../lib/json-pointer.ts';
import { describeField, describeFound } from './describe.ts';
import { createIssue, type Issue } from './issue.ts';
import { didYouMean, listed, meantWord } from './words.ts';

/**
 * A node of a shape, which is a JSON Schema with one more keyword: `expected` follows the word "expected" in a message.
 */
interface SchemaNode extends TSchema {
  readonly expected?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

/** The schema library stops after 8 errors by default, but a user wants to see everything that is wrong at once. */
const MAX_ERRORS = 100;

/**
 * Every way in which a document does not match a shape, in the words of its `expected`, with one issue for each path.
 * @param maxErrors the maximum number of errors to read from the schema library
 */
export function shapeIssues(shape: Validator, document: unknown, maxErrors = MAX_ERRORS): Issue[] {
  if (shape.Check(document)) return [];
  const errors = allErrors(shape, document, maxErrors);
  const issues = new Map<string, Issue>();
  const add = (issue: Issue) => {
    const pointer = formatPointer(issue.path);
    if (!issues.has(pointer)) issues.set(pointer, issue);
  };
  const schemaAt = (pointer: string) => valueAt(shape.Type(), parsePointer(pointer)) as SchemaNode | undefined;

  /** Fields that are present under a misspelt name. */
  const meant = new Set<string>();
  for (const { keyword, instancePath, schemaPath } of errors) {
    if (keyword !== 'boolean') continue; // `additionalProperties: false`, once for each field
    const path = toPath(document, instancePath);
    const field = String(path.at(-1) ?? '');
    const fields = Object.keys(schemaAt(schemaPath.replace(/\/additionalProperties$/, ''))?.properties ?? {});
    const expected = `one of the fields ${listed(fields)}${didYouMean(field, fields)}`;
    add(createIssue('unknown-field', path, expected, describeField(field)));
    meant.add(formatPointer([...path.slice(0, -1), meantWord(field, fields) ?? '']));
  }
  for (const { keyword, instancePath, schemaPath, params } of errors) {
    const path = toPath(document, instancePath);
    if (keyword === 'required') {
      for (const field of params.requiredProperties) {
        if (meant.has(formatPointer([...path, field]))) continue;
        const expected = expectation(schemaAt(schemaPath)?.properties?.[field]);
        add(createIssue('missing', [...path, field], expected, 'nothing'));
      }
    } else if (keyword !== 'additionalProperties' && keyword !== 'boolean') {
      const found = valueAt(document, path);
      const isLength = (keyword === 'maxItems' || keyword === 'minItems') && Array.isArray(found);
      const expected = expectation(schemaAt(schemaPath), found);
      add(createIssue('invalid-value', path, expected, isLength ? `${found.length}` : describeFound(found)));
    }
  }
  return [...issues.values()];
}

function allErrors(shape: Validator, document: unknown, most: number) {
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

function expectation(schema: SchemaNode | undefined, found?: unknown): string {
  const expected = schema?.expected ?? expectedByType[schema?.type ?? ''] ?? 'another value';
  const isUnquoted = schema?.type === 'string' && (typeof found === 'number' || typeof found === 'boolean');
  if (isUnquoted) return `${expected} (put it in quotes)`;
  return typeof found === 'string' ? `${expected}${didYouMean(found, schema?.enum ?? [])}` : expected;
}

/** The path of a pointer into a document: segments that point into a list become indices. */
function toPath(document: unknown, pointer: string): (string | number)[] {
  let value = document;
  return parsePointer(pointer).map((segment) => {
    const isIndex = Array.isArray(value);
    value = memberOf(value, segment);
    return isIndex ? Number(segment) : segment;
  });
}

/** The member of a document at a path; undefined when there is none. */
const valueAt = (document: unknown, path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((value, segment) => memberOf(value, segment), document);

const memberOf = (value: unknown, key: string | number): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
