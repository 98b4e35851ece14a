import type { CompiledExpression, RemainingCost, Variables } from '../../cel/expression.ts';
import { messageOf } from '../../errors.ts';
import type { SpecVersion } from '../../provider/provider.ts';
import { expressions } from '../variables-schema.ts';
import { withDefaults } from './defaults.ts';
import type { Emit, Rule, Template } from './mapping-model.ts';

/** The origin of a field of a CDEvent. */
export interface FieldOrigin {
  /** `subject.id`, `content.environment`, `customData.runbook`. */
  readonly path: string;
  readonly expression: string;
  readonly value: unknown;
}

/** The evaluated fields of one CDEvent. */
export interface Emitted {
  readonly subjectId: string;
  readonly subjectSource?: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly customData: Readonly<Record<string, unknown>>;
  readonly fields: readonly FieldOrigin[];
}

/** The result of the rules for one event. */
export interface MappingResult {
  /** How many rules were evaluated, in order. */
  readonly tried: number;
  /** The last of them, when it matched. */
  readonly rule?: CompiledRule;
  /** Why the last of them failed, if it did. */
  readonly error?: MappingError;
}

export interface CompiledRule {
  readonly name: string;
  /** Evaluated one by one, since their variables may depend on their type. */
  readonly emits: readonly CompiledEmit[];
}

export interface CompiledEmit {
  readonly type: string;
  /** Absent: nothing is remembered of the CDEvent. */
  readonly incident?: {
    readonly cause?: string;
    /** The value of `oncePer` as text; undefined when the rule has none. */
    once(variables: Variables, remaining: RemainingCost): string | undefined;
  };
  /** @throws {MappingError} when an expression fails for this event */
  evaluate(variables: Variables, remaining: RemainingCost): Emitted;
}

export interface CompiledMapping {
  readonly rules: readonly CompiledRule[];
  apply(variables: Variables, remaining: RemainingCost): MappingResult;
}

/** A rule failed while it ran: the event becomes a dead letter, and other events go on. */
export class MappingError extends Error {
  constructor(rule: string, where: string, cause: unknown) {
    const [reason = ''] = messageOf(cause).split('\n');
    super(`rule ${rule}: ${where}: ${reason}`, { cause });
    this.name = 'MappingError';
  }
}

/**
 * Parses and type-checks every expression of the rules.
 * @throws {Error} for the first expression that is not valid
 */
export function compileRules(rules: readonly Rule[], version: SpecVersion): CompiledMapping {
  const compiled = rules.map(({ name, match, emit }) => ({
    name,
    match: expressions.compileExpression(match),
    emits: emit.map((one) => compileEmit(name, one, version)),
  }));
  return {
    rules: compiled,
    apply(variables, remaining) {
      for (const [index, rule] of compiled.entries()) {
        try {
          if (rule.match.evaluate(variables, remaining) === true) return { tried: index + 1, rule };
        } catch (cause) {
          return { tried: index + 1, error: new MappingError(rule.name, 'match', cause) };
        }
      }
      return { tried: compiled.length };
    },
  };
}

type Leaf = readonly [path: readonly string[], expression: CompiledExpression, name: string];

function compileEmit(rule: string, emit: Emit, version: SpecVersion): CompiledEmit {
  const { type, subject, content, customData = {}, incident } = withDefaults(emit, version);
  const leaves = [
    ...leavesOf({ ...subject }, ['subject']),
    ...leavesOf(content, ['content']),
    ...leavesOf(customData, ['customData']),
  ];
  return {
    type,
    ...(incident && { incident: compileIncident(rule, incident) }),
    evaluate(variables, remaining) {
      const root: Record<string, unknown> = { content: {}, customData: {} };
      const fields = leaves.map(([path, expression, name]) => {
        const value = guard(rule, name, () => expression.evaluate(variables, remaining));
        if (value !== null && value !== undefined) assign(root, path, value);
        return { path: name, expression: expression.text, value };
      });
      const { id, source } = (root.subject ?? {}) as { id?: unknown; source?: unknown };
      return {
        subjectId: String(id ?? ''),
        ...(typeof source === 'string' && { subjectSource: source }),
        content: root.content as Record<string, unknown>,
        customData: root.customData as Record<string, unknown>,
        fields,
      };
    },
  };
}

function compileIncident(rule: string, { cause, oncePer }: NonNullable<Emit['incident']>) {
  const expression = oncePer === undefined ? undefined : expressions.compileExpression(oncePer);
  return {
    ...(cause !== undefined && { cause }),
    once(variables: Variables, remaining: RemainingCost) {
      if (!expression) return undefined;
      const value = guard(rule, 'incident.oncePer', () => expression.evaluate(variables, remaining));
      return typeof value === 'string' ? value : JSON.stringify(value ?? '');
    },
  };
}

const leavesOf = (template: Template, path: readonly string[]): Leaf[] =>
  Object.entries(template).flatMap(([field, value]) => {
    const place = [...path, field];
    return typeof value === 'string'
      ? [[place, expressions.compileExpression(value), place.join('.')] as const]
      : leavesOf(value, place);
  });

/** Sets own members only: a field may have the name of an inherited member. */
function assign(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let parent = root;
  for (const field of path.slice(0, -1)) {
    if (!Object.hasOwn(parent, field)) define(parent, field, {});
    parent = parent[field] as Record<string, unknown>;
  }
  const last = path.at(-1);
  if (last !== undefined) define(parent, last, value);
}

const define = (parent: object, field: string, value: unknown) =>
  Object.defineProperty(parent, field, { value, enumerable: true, configurable: true, writable: true });

function guard<T>(rule: string, where: string, evaluate: () => T): T {
  try {
    return evaluate();
  } catch (cause) {
    throw new MappingError(rule, where, cause);
  }
}
