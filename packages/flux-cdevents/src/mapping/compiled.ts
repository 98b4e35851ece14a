import type { MappingText, PresetName, ProviderOptions, SpecVersion } from '../provider/provider.ts';
import { readMapping } from './file/read-mapping.ts';
import { effectiveRules } from './presets/presets.ts';
import { type CompiledMapping, compileRules } from './rules/compile.ts';
import { expressions } from './variables-schema.ts';

/** The rules of a Provider, compiled, and where they come from. */
export interface MappingInForce {
  readonly compiled: CompiledMapping;
  readonly names: readonly string[];
  /** Of how many of them the mapping is the author; the others are those of the preset. */
  readonly own: number;
}

type Options = Pick<ProviderOptions, 'specVersion' | 'preset' | 'mapping'>;

/** Texts of mappings that are kept compiled, the last used ones. */
const MAX_TEXTS = 200;

const presetsOnly = new Map<string, MappingInForce>();
const byText = new Map<string, MappingInForce>();
/** Many Providers name one text; as long as one of them is there, it is compiled once. */
const byIdentity = new WeakMap<MappingText, Map<string, MappingInForce>>();

/**
 * The compiled rules of a Provider, made on first use.
 * @throws {Error} when the text of its mapping is not right; a Provider is checked before it gets here
 */
export function mappingOf({ specVersion, preset, mapping }: Options): MappingInForce {
  const key = `${specVersion} ${preset}`;
  if (!mapping) return cached(presetsOnly, key, () => compile(undefined, preset, specVersion));
  let known = byIdentity.get(mapping);
  if (!known) {
    known = new Map();
    byIdentity.set(mapping, known);
  }
  return cached(known, key, () => compiledText(mapping.text, preset, specVersion));
}

function compiledText(text: string, preset: PresetName, specVersion: SpecVersion): MappingInForce {
  const key = `${specVersion} ${preset} ${text}`;
  const made = cached(byText, key, () => compile(text, preset, specVersion));
  byText.delete(key);
  byText.set(key, made);
  const [oldest] = byText.keys();
  if (byText.size > MAX_TEXTS && oldest !== undefined) byText.delete(oldest);
  return made;
}

function compile(text: string | undefined, preset: PresetName, specVersion: SpecVersion): MappingInForce {
  const reading = text === undefined ? undefined : readMapping(text, { specVersion, preset });
  const [issue] = reading?.issues ?? [];
  if (issue) throw new Error(`mapping: ${issue.path}: expected ${issue.expected}, found ${issue.found}`);
  const rules = effectiveRules(reading?.mapping, preset);
  return {
    compiled: compileRules(
      rules.map(({ rule }) => rule),
      specVersion,
      expressions,
    ),
    names: rules.map(({ rule }) => rule.name),
    own: rules.filter(({ from }) => from === 'mapping').length,
  };
}

function cached<T>(known: Map<string, T>, key: string, make: () => T): T {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}
