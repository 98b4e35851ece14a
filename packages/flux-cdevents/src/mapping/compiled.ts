import { LRUCache } from 'lru-cache';
import { formatFault } from '../diagnostics/format.ts';
import type { MappingReader, MappingText, PresetName, ProviderOptions, SpecVersion } from '../provider/provider.ts';
import { DEFAULT_OPTIONS } from '../provider/provider-options.ts';
import { placedInText, readMapping } from './file/read-mapping.ts';
import { effectiveRules } from './presets/presets.ts';
import { type CompiledMapping, compileRules } from './rules/compile.ts';
import type { Mapping } from './rules/mapping-model.ts';

/** The rules that apply to a Provider, compiled, with their origin. */
export interface MappingInForce {
  readonly compiled: CompiledMapping;
  readonly names: readonly string[];
  /** How many of the rules come from the mapping; the rest come from the preset. */
  readonly own: number;
}

/** A `Map`, or one that forgets. */
interface Cache {
  get(key: string): MappingInForce | undefined;
  set(key: string, value: MappingInForce): unknown;
}

type Options = Pick<ProviderOptions, 'specVersion' | 'preset' | 'mapping'>;

/** How many compiled mapping texts are kept: the ones that were used last. */
const MAX_TEXTS = 200;

const presetsOnly = new Map<string, MappingInForce>();
const byText = new LRUCache<string, MappingInForce>({ max: MAX_TEXTS });
/** Mappings that the check of a Provider has read, until an event needs their compiled rules. */
const checked = new LRUCache<string, Mapping>({ max: MAX_TEXTS });
/** Providers that share a text share its compiled rules for as long as one of them exists. */
const byIdentity = new WeakMap<MappingText, Map<string, MappingInForce>>();

/** Reads a mapping for a Provider, as `mappingReader` does, and keeps it, so that its first event need not read it again. */
export const readMappingForUse: MappingReader = (text, given) => {
  const { mapping, header, issues } = readMapping(text, given);
  const { specVersion, preset } = { ...DEFAULT_OPTIONS, ...header, ...given };
  if (mapping) checked.set(textKey(text, preset, specVersion), mapping);
  return { header, issues: placedInText(issues) };
};

/**
 * Returns the compiled rules of a Provider and compiles them on first use.
 * @throws {Error} when its mapping text is invalid, which the check of the Provider rules out
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

const textKey = (text: string, preset: PresetName, specVersion: SpecVersion): string =>
  `${specVersion} ${preset} ${text}`;

function compiledText(text: string, preset: PresetName, specVersion: SpecVersion): MappingInForce {
  const key = textKey(text, preset, specVersion);
  return cached(byText, key, () => {
    const mapping = checked.get(key) ?? readValid(text, preset, specVersion);
    checked.delete(key);
    return compile(mapping, preset, specVersion);
  });
}

function readValid(text: string, preset: PresetName, specVersion: SpecVersion): Mapping | undefined {
  const { mapping, issues } = readMapping(text, { specVersion, preset });
  const [issue] = issues;
  if (issue) throw new Error(`mapping: ${formatFault(issue)}`);
  return mapping;
}

function compile(mapping: Mapping | undefined, preset: PresetName, specVersion: SpecVersion): MappingInForce {
  const rules = effectiveRules(mapping, preset);
  return {
    compiled: compileRules(
      rules.map(({ rule }) => rule),
      specVersion,
    ),
    names: rules.map(({ rule }) => rule.name),
    own: rules.filter(({ from }) => from === 'mapping').length,
  };
}

function cached(known: Cache, key: string, make: () => MappingInForce): MappingInForce {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}
