import { effectiveRules } from '../../mapping/presets/presets.ts';
import type { CaseResult } from '../../mapping-cases/run-cases.ts';
import type { ChosenMapping } from './flags.ts';

/** The rules of a mapping that no case reached. */
export interface NotCovered {
  /** The file of the mapping, or `preset service`. */
  readonly key: string;
  readonly rules: readonly string[];
}

/**
 * Counts which rules matched, over all files of cases that share a mapping. The cases should reach the rules of the mapping and
 * the rules of the preset that it enables; without rules of its own, those of the preset.
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
