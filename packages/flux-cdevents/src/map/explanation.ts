import type { ProviderOptions } from '../provider/provider.ts';
import type { MappedCDEvent, MapResult } from './to-cdevents.ts';

/** What an entry keeps of how its CDEvent was made. The values of fields are not kept: they are in the CDEvent. */
export interface StoredExplanation {
  /** Whose rule it is: the name of a mapping, or `preset service`; of both when no rule matched. */
  readonly mapping: string;
  /** The rule that matched, or `unmapped`; absent when none did because one of them failed. */
  readonly rule?: string;
  /** The last of the rules that were looked at, in order, the one that matched included. */
  readonly tried: readonly string[];
  /** How many rules were looked at, when that is more than are named. */
  readonly triedCount?: number;
  /** The expression of each field, by its path: `{"subject.id": "service.id"}`. */
  readonly fields: Readonly<Record<string, string>>;
}

/** So many names of rules are kept: a mapping may have hundreds, and every entry has its explanation. */
const MAX_TRIED = 25;

/** How one CDEvent of a result came about, in the form in which it is stored. */
export function explanationOf(
  { rule, from, tried }: Pick<MapResult, 'rule' | 'from' | 'tried'>,
  { fields }: Pick<MappedCDEvent, 'fields'>,
  options: Pick<ProviderOptions, 'preset' | 'mapping'>,
): StoredExplanation {
  return {
    mapping: from === undefined ? rulesOf(options) : authorOf(from, options),
    ...(rule !== undefined && { rule }),
    tried: tried.slice(-MAX_TRIED),
    ...(tried.length > MAX_TRIED && { triedCount: tried.length }),
    fields: Object.fromEntries(fields.map(({ path, expression }) => [path, expression])),
  };
}

/** `mapping rules`, `preset service`: whose rules these are. */
export const authorOf = (
  from: 'mapping' | 'preset',
  { preset, mapping }: Pick<ProviderOptions, 'preset' | 'mapping'>,
) => (from === 'mapping' && mapping ? `mapping ${mapping.name}` : `preset ${preset}`);

/** All the rules that are in force: `mapping rules and preset service`. */
export function rulesOf(options: Pick<ProviderOptions, 'preset' | 'mapping'>): string {
  const preset = authorOf('preset', options);
  if (!options.mapping) return preset;
  const mapping = authorOf('mapping', options);
  return options.preset === 'none' ? mapping : `${mapping} and ${preset}`;
}

/** A field of a CDEvent, and where it comes from. */
export interface ExplainedField {
  readonly path: string;
  readonly expression: string;
  /** Absent when the field was left out. */
  readonly value?: unknown;
}

/** The fields of a stored explanation with the values that the CDEvent has for them. */
export const explainedFields = ({ fields }: StoredExplanation, cdevent: unknown): ExplainedField[] =>
  Object.entries(fields).map(([path, expression]) => {
    const value = valueAt(cdevent, path.startsWith('content') ? `subject.${path}` : path);
    return { path, expression, ...(value !== undefined && { value }) };
  });

/** The value of a path whose parts may have dots of their own. */
function valueAt(root: unknown, path: string): unknown {
  if (typeof root !== 'object' || root === null) return undefined;
  if (Object.hasOwn(root, path)) return Reflect.get(root, path);
  for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
    const below = valueAt(Reflect.get(root, path.slice(0, dot)), path.slice(dot + 1));
    if (below !== undefined) return below;
  }
  return undefined;
}
