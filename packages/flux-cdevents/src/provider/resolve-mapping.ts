import { describeFound } from '../diagnostics/describe.ts';
import { createIssue, type Issue } from '../diagnostics/issue.ts';
import { meantWord } from '../diagnostics/words.ts';
import type { ConfigMap } from '../flux/config-map.ts';
import type { MappingHeader, MappingReader, MappingText, ProviderOptions } from './provider.ts';
import { optionPath, type ParsedOptions } from './provider-options.ts';

/** The dependencies of `resolveMapping`. */
export interface MappingDeps {
  /** A ConfigMap of the Provider's namespace; undefined when there is none, or it cannot be read. */
  configMap(name: string): ConfigMap | undefined;
  readonly readMapping: MappingReader;
}

/** The key of the ConfigMap. */
export const MAPPING_KEY = 'mapping.yaml';

/**
 * The options of a Provider together with the mapping that it names: the header of the mapping applies unless an
 * annotation overrides it.
 */
export function resolveMapping(
  { options, given, mapping: name }: ParsedOptions,
  deps: MappingDeps,
): { readonly options: ProviderOptions; readonly issues: readonly Issue[] } {
  if (name === undefined) return { options, issues: [] };
  const configMap = deps.configMap(name);
  if (!configMap) {
    const found = `${describeFound(name)}, which does not exist or cannot be read`;
    const expected = "the name of a ConfigMap in the Provider's namespace";
    return { options, issues: [createIssue('not-found', optionPath('mapping'), expected, found)] };
  }
  const object = { kind: 'ConfigMap', ...configMap.metadata };
  if (configMap.data[MAPPING_KEY] === undefined) {
    const issue = createIssue('missing', [], `the key ${MAPPING_KEY} in data`, describeKeys(configMap));
    return { options, issues: [{ ...issue, object }] };
  }
  const { mapping, header, issues } = readOnce(configMap, given, deps.readMapping);
  if (issues.length > 0) return { options, issues: issues.map((issue) => ({ ...issue, object })) };
  return { options: { ...options, ...header, ...given, mapping }, issues: [] };
}

function describeKeys({ data, binaryKeys }: ConfigMap): string {
  if (binaryKeys.includes(MAPPING_KEY)) return `it in binaryData`;
  const keys = Object.keys(data);
  if (keys.length === 0) return 'no keys';
  const meant = meantWord(MAPPING_KEY, keys);
  return meant === undefined ? `the keys ${keys.slice(0, 5).join(', ')}` : `the key ${meant}`;
}

type SharedReading = ReturnType<MappingReader> & { readonly mapping: MappingText };

const known = new WeakMap<
  ConfigMap,
  { readonly mapping: MappingText; readonly readings: Map<string, SharedReading> }
>();

/** A ConfigMap is read once for all the Providers that name it, and for as long as it stays the same object. */
function readOnce(configMap: ConfigMap, given: MappingHeader, read: MappingReader): SharedReading {
  let entry = known.get(configMap);
  if (!entry) {
    const mapping = { name: configMap.metadata.name, text: configMap.data[MAPPING_KEY] ?? '' };
    entry = { mapping, readings: new Map() };
    known.set(configMap, entry);
  }
  const { mapping, readings } = entry;
  const key = `${given.specVersion} ${given.preset}`;
  let reading = readings.get(key);
  if (!reading) {
    reading = { ...read(mapping.text, given), mapping };
    readings.set(key, reading);
  }
  return reading;
}
