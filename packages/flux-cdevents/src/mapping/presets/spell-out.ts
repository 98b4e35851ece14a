import type { PresetName, SpecVersion } from '../../provider/provider.ts';
import { withDefaults } from '../rules/defaults.ts';
import type { Mapping, Rule } from '../rules/mapping-model.ts';
import { isHiddenBy } from '../rules/reach.ts';
import { presets } from './presets.ts';

/** A mapping that needs neither a preset nor defaults, and the rules of the preset that can never match in it. */
export interface SpelledOut {
  readonly mapping: Mapping;
  readonly neverReached: readonly string[];
}

/**
 * Combines the rules of a mapping with those of its preset in one explicit mapping. Optional rules stay optional. A rule of the
 * preset whose name is taken gets the preset as a prefix: `service-upgrade-succeeded`.
 */
export function spellOut(
  own: Mapping | undefined,
  { preset, specVersion }: { readonly preset: PresetName; readonly specVersion: SpecVersion },
): SpelledOut {
  const rules: Rule[] = [...(own?.rules ?? [])];
  const neverReached: string[] = [];
  const names = new Set(rules.map(({ name }) => name));
  const enabled = new Set(own?.enable);
  for (const rule of presets[preset].rules) {
    const name = freeName(rule.name, preset, names);
    if (rules.some((earlier) => isHiddenBy(rule, earlier, enabled))) neverReached.push(rule.name);
    else rules.push({ ...rule, name });
    names.add(name);
  }
  const enable = own?.enable?.filter((name) => rules.some(({ optional }) => optional === name));
  return {
    mapping: {
      specVersion,
      preset: 'none',
      ...(enable && enable.length > 0 && { enable }),
      rules: rules.map(({ emit, ...rule }) => ({ ...rule, emit: emit.map((one) => withDefaults(one, specVersion)) })),
    },
    neverReached,
  };
}

function freeName(name: string, preset: PresetName, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let free = `${preset}-${name}`;
  for (let count = 2; taken.has(free); count++) free = `${preset}-${name}-${count}`;
  return free;
}
