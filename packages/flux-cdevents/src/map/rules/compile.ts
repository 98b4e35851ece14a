import type { SpecVersion } from '../../flux/provider.ts';
import { type CompiledExpression, compileExpression, type Variables } from '../cel/expression.ts';
import { withDefaults } from './defaults.ts';
import type { Emit, Mapping, Template } from './mapping.ts';

/** Where a field of a CDEvent comes from. */
export interface FieldOrigin {
  /** `subject.id`, `content.environment`, `customData.runbook`. */
  readonly path: string;
  readonly expression: string;
  readonly value: unknown;
}

/** What a rule says about one CDEvent, evaluated. */
export interface Emitted {
  readonly type: string;
  readonly subjectId: string;
  readonly subjectSource?: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly customData: Readonly<Record<string, unknown>>;
  readonly fields: readonly FieldOrigin[];
}

/** What came of the rules for one event; `rule` is absent when none matched. */
export interface MappingResult {
  readonly tried: readonly string[];
  readonly rule?: string;
  /** Evaluates the CDEvents; apart from the match, since what they see may depend on their type. */
  readonly emits: readonly CompiledEmit[];
}

export interface CompiledEmit {
  readonly type: string;
  evaluate(variables: Variables): Emitted;
}

export interface CompiledMapping {
  /** @throws {MappingError} when a rule fails for this event */
  apply(variables: Variables): MappingResult;
}

/** A rule that fails while it runs: the event becomes a dead letter, and nothing else stops. */
export class MappingError extends Error {
  constructor(rule: string, where: string, cause: unknown) {
    const [reason = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    super(`rule ${rule}: ${where}: ${reason}`, { cause });
    this.name = 'MappingError';
  }
}

/**
 * Parses and type-checks every expression of a mapping.
 * @throws {Error} for the first expression that is wrong
 */
export function compileMapping(mapping: Mapping, version: SpecVersion): CompiledMapping {
  const rules = mapping.rules.map(({ name, match, emit }) => ({
    name,
    match: compileExpression(match),
    emits: emit.map((one) => compileEmit(name, one, version)),
  }));
  return {
    apply(variables) {
      const tried: string[] = [];
      for (const { name, match, emits } of rules) {
        tried.push(name);
        if (guard(name, 'match', () => match.evaluate(variables)) === true) return { tried, rule: name, emits };
      }
      return { tried, emits: [] };
    },
  };
}

type Leaf = readonly [path: readonly string[], expression: CompiledExpression];

function compileEmit(rule: string, emit: Emit, version: SpecVersion): CompiledEmit {
  const { type, subject, content, customData = {} } = withDefaults(emit, version);
  const leaves = [
    ...leavesOf({ ...subject }, ['subject']),
    ...leavesOf(content, ['content']),
    ...leavesOf(customData, ['customData']),
  ];
  return {
    type,
    evaluate(variables) {
      const root: Record<string, unknown> = { content: {}, customData: {} };
      const fields = leaves.map(([path, expression]) => {
        const value = guard(rule, path.join('.'), () => expression.evaluate(variables));
        if (value !== null && value !== undefined) assign(root, path, value);
        return { path: path.join('.'), expression: expression.text, value };
      });
      const { id, source } = (root.subject ?? {}) as { id?: unknown; source?: unknown };
      return {
        type,
        subjectId: String(id ?? ''),
        ...(typeof source === 'string' && { subjectSource: source }),
        content: root.content as Record<string, unknown>,
        customData: root.customData as Record<string, unknown>,
        fields,
      };
    },
  };
}

const leavesOf = (template: Template, path: readonly string[]): Leaf[] =>
  Object.entries(template).flatMap(([field, value]) =>
    typeof value === 'string'
      ? [[[...path, field], compileExpression(value)] as const]
      : leavesOf(value, [...path, field]),
  );

function assign(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let parent = root;
  for (const field of path.slice(0, -1)) {
    parent[field] ??= {};
    parent = parent[field] as Record<string, unknown>;
  }
  const last = path.at(-1);
  if (last !== undefined) parent[last] = value;
}

function guard<T>(rule: string, where: string, evaluate: () => T): T {
  try {
    return evaluate();
  } catch (cause) {
    throw new MappingError(rule, where, cause);
  }
}
