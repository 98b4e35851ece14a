import type { ProviderOptions } from '../provider/provider.ts';
import type { Conversion, ConvertedCDEvent } from './convert-event.ts';

/** How a CDEvent was made, as an entry keeps it. The values of the fields are left out: the CDEvent has them. */
export interface StoredExplanation {
  /** Where the rule comes from: `mapping rules` or `preset service`; both when no rule matched. */
  readonly mapping: string;
  /** The rule that matched, or `unmapped`; absent when a rule failed. */
  readonly rule?: string;
  /** The last of the rules that were evaluated, in order, including the one that matched. */
  readonly tried: readonly string[];
  /** How many rules were evaluated, when `tried` does not name all of them. */
  readonly triedCount?: number;
  /** The expression of each field, by its path: `{"subject.id": "service.id"}`. */
  readonly fields: Readonly<Record<string, string>>;
}

/** How many names of rules are kept: a mapping may have hundreds, and every entry has an explanation. */
const MAX_TRIED = 25;

/** How one CDEvent of a conversion was made. */
export function explanationOf(
  { rule, from, tried }: Pick<Conversion, 'rule' | 'from' | 'tried'>,
  { fields }: Pick<ConvertedCDEvent, 'fields'>,
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

/** Where a rule comes from: `mapping rules`, `preset service`. */
export const authorOf = (
  from: 'mapping' | 'preset',
  { preset, mapping }: Pick<ProviderOptions, 'preset' | 'mapping'>,
) => (from === 'mapping' && mapping ? `mapping ${mapping.name}` : `preset ${preset}`);

/** Where all rules in force come from: `mapping rules and preset service`. */
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

/** The value at a path whose parts may contain dots. */
function valueAt(root: unknown, path: string): unknown {
  if (typeof root !== 'object' || root === null) return undefined;
  if (Object.hasOwn(root, path)) return Reflect.get(root, path);
  for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
    const below = valueAt(Reflect.get(root, path.slice(0, dot)), path.slice(dot + 1));
    if (below !== undefined) return below;
  }
  return undefined;
}
