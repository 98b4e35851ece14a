import type { PresetName } from '../../provider/provider.ts';
import type { Mapping, Rule } from '../rules/mapping-model.ts';
import { rfc } from './rfc.ts';
import { service } from './service.ts';

export const presets: Readonly<Record<PresetName, Mapping>> = { rfc, service, none: { rules: [] } };
export const presetNames = Object.keys(presets) as readonly PresetName[];

/** A rule in force and its origin. */
export interface EffectiveRule {
  readonly rule: Rule;
  readonly from: 'mapping' | 'preset';
}

/** The rules in force in their order: those of the mapping, then those of the preset. */
export function effectiveRules(mapping: Mapping | undefined, preset: PresetName): readonly EffectiveRule[] {
  const enabled = new Set(mapping?.enable);
  const inForce = ({ optional }: Rule) => optional === undefined || enabled.has(optional);
  const own = (mapping?.rules ?? []).map((rule): EffectiveRule => ({ rule, from: 'mapping' }));
  const builtIn = presets[preset].rules.map((rule): EffectiveRule => ({ rule, from: 'preset' }));
  return [...own, ...builtIn].filter(({ rule }) => inForce(rule));
}

/** The names that `enable` may list: those of the optional rules of a mapping and of a preset. */
export const optionalNames = (rules: readonly Rule[], preset: PresetName): readonly string[] => [
  ...new Set([...rules, ...presets[preset].rules].flatMap(({ optional }) => optional ?? [])),
];
