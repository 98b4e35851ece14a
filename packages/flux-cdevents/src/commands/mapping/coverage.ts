import { effectiveRules } from '../../mapping/presets/presets.ts';
import type { CaseResult } from '../../mapping-cases/run-cases.ts';
import type { ChosenMapping } from './flags.ts';

/** Which rules of which mapping no case reached. */
export interface NotCovered {
  /** The file of the mapping, or `preset service`. */
  readonly key: string;
  readonly rules: readonly string[];
}

/**
 * Counts which rules matched, over all files of cases that share a mapping. What has to be reached are the rules of the
 * mapping and what it enables of the preset; where it has no rules of its own, or there is none, those of the preset.
 */
export class Coverage {
  private readonly rules = new Map<string, Map<string, { readonly name: string; reached: boolean }>>();

  add(key: string, { mapping, options }: ChosenMapping, cases: readonly CaseResult[]): void {
    const known = this.rules.get(key) ?? new Map<string, { readonly name: string; reached: boolean }>();
    this.rules.set(key, known);
    const hasOwn = (mapping?.rules.length ?? 0) > 0;
    for (const { rule, from } of effectiveRules(mapping, options.preset)) {
      const counts = from === 'mapping' || !hasOwn || rule.optional !== undefined;
      const id = `${from} ${rule.name}`;
      if (counts && !known.has(id)) known.set(id, { name: rule.name, reached: false });
    }
    for (const { result } of cases.flatMap(({ steps }) => steps)) {
      const rule = known.get(`${result.from} ${result.rule}`);
      if (rule) rule.reached = true;
    }
  }

  missing(): NotCovered[] {
    return [...this.rules].flatMap(([key, known]) => {
      const rules = [...known.values()].flatMap(({ name, reached }) => (reached ? [] : [name]));
      return rules.length > 0 ? [{ key, rules }] : [];
    });
  }
}
