import type { TSchema } from 'typebox';

/** One way in which a value differs from what its schema asks for. */
export interface ValidationIssue {
  /** Where, from the event root: `subject.content.environment.id`; empty for the event itself. */
  readonly path: string;
  /** What the schema of this spec version asks for: `non-empty string`. */
  readonly expected: string;
  /** The whole sentence: `subject.id: expected non-empty string, got ""`. */
  readonly message: string;
}

/** The part of JSON Schema that this SDK's schemas are written in. */
interface Schema {
  readonly type?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly '~refine'?: readonly { check(value: unknown): boolean; error(value: unknown): string }[];
}

const MAX_QUOTED = 60;

/** Describes a value in a few words, for a message. The contents of objects and lists are not shown. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > MAX_QUOTED ? `${value.slice(0, MAX_QUOTED)}…` : value);
  }
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === undefined) return 'nothing';
  return Array.isArray(value) ? 'a list' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

export function issueAt(path: string, expected: string, found: string): ValidationIssue {
  const message = `expected ${expected}, got ${found}`;
  return { path, expected, message: path ? `${path}: ${message}` : message };
}

/** A field that does not exist there. `where` names the event that lacks it, when that is another than the one checked. */
export function strayField(path: string, where?: string): ValidationIssue {
  const expected = where ? `no such field in ${where}` : 'no such field';
  return { path, expected, message: `${path}: ${expected}` };
}

const join = (path: string, key: string | number): string => (path ? `${path}.${key}` : String(key));

function describeSchema(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(describeSchema).join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return `one of ${schema.enum.map((value) => JSON.stringify(value)).join(', ')}`;
  const refinement = schema['~refine']?.[0];
  if (refinement) return refinement.error(undefined);
  if (schema.pattern) return `string matching ${schema.pattern}`;
  if (schema.type === 'array') return `list of ${schema.items ? describeSchema(schema.items) : 'values'}`;
  return schema.minLength ? 'non-empty string' : (schema.type ?? 'value');
}

function acceptsString(schema: Schema, value: string): boolean {
  if (schema.const !== undefined) return value === schema.const;
  if (schema.enum) return schema.enum.includes(value);
  if (schema.minLength && value === '') return false;
  if (schema.pattern && !new RegExp(schema.pattern, 'u').test(value)) return false;
  return schema['~refine']?.every((refinement) => refinement.check(value)) ?? true;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The branch of a union that `value` was probably meant for: an object whose constants match, else a value of its type. */
function meantBranch(branches: readonly Schema[], value: unknown): Schema | undefined {
  return branches.find((branch) => {
    if (branch.type === 'object') {
      if (!isObject(value)) return false;
      return Object.entries(branch.properties ?? {}).every(
        ([key, property]) => property.const === undefined || property.const === value[key],
      );
    }
    return typeof value === branch.type;
  });
}

function collect(schema: Schema, value: unknown, path: string, issues: ValidationIssue[]): void {
  const refuse = (): void => void issues.push(issueAt(path, describeSchema(schema), describeValue(value)));
  if (schema.anyOf) {
    const branch = meantBranch(schema.anyOf, value);
    if (branch) collect(branch, value, path, issues);
    else if (isObject(value) && schema.anyOf.some((option) => option.properties?.linkType)) {
      const linkTypes = schema.anyOf.map((option) => describeSchema(option.properties?.linkType ?? {}));
      issues.push(issueAt(join(path, 'linkType'), `one of ${linkTypes.join(', ')}`, describeValue(value.linkType)));
    } else refuse();
  } else if (schema.type === 'object') {
    if (isObject(value)) collectFields(schema, value, path, issues);
    else refuse();
  } else if (schema.type === 'array') {
    if (!Array.isArray(value)) refuse();
    else for (const [index, item] of value.entries()) collect(schema.items ?? {}, item, join(path, index), issues);
  } else if (typeof value !== 'string' || !acceptsString(schema, value)) refuse();
}

function collectFields(schema: Schema, value: Record<string, unknown>, path: string, issues: ValidationIssue[]): void {
  const properties = schema.properties ?? {};
  for (const [key, property] of Object.entries(properties)) {
    if (value[key] !== undefined) collect(property, value[key], join(path, key), issues);
    else if (schema.required?.includes(key)) {
      issues.push(issueAt(join(path, key), describeSchema(property), 'nothing'));
    }
  }
  if (schema.additionalProperties !== false) return;
  for (const key of Object.getOwnPropertyNames(value)) {
    if (!Object.hasOwn(properties, key)) issues.push(strayField(join(path, key)));
  }
}

/** Lists everything about `value` that `schema` does not allow. Slow: call it only after a compiled check has failed. */
export function collectIssues(schema: TSchema, value: unknown): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  collect(schema as Schema, value, '', issues);
  return issues;
}
