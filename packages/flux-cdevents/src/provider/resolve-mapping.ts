import type { ConfigIssue } from '../diagnostics/issue.ts';
import { describeFound } from '../diagnostics/issues.ts';
import { nearest } from '../diagnostics/nearest.ts';
import type { ConfigMap } from '../flux/config-map.ts';
import type { MappingHeader, MappingReader, MappingText, ProviderOptions } from './provider.ts';
import { optionPath, type ParsedOptions } from './provider-options.ts';

/** What a mapping is read with. */
export interface MappingDeps {
  /** A ConfigMap of the Provider's namespace; undefined when there is none, or it cannot be read. */
  configMap(name: string): ConfigMap | undefined;
  readonly readMapping: MappingReader;
}

/** The key of the ConfigMap. */
export const MAPPING_KEY = 'mapping.yaml';

/**
 * The options of a Provider together with the mapping that it names: what the mapping says of itself counts where no
 * annotation says otherwise.
 */
export function resolveMapping(
  { options, given, mapping: name }: ParsedOptions,
  deps: MappingDeps,
): { readonly options: ProviderOptions; readonly issues: readonly ConfigIssue[] } {
  if (name === undefined) return { options, issues: [] };
  const refuse = (issues: readonly ConfigIssue[]) => ({ options, issues });
  const configMap = deps.configMap(name);
  if (!configMap) {
    const found = `${describeFound(name)}, which does not exist or cannot be read`;
    return refuse([
      { path: optionPath('mapping'), expected: "the name of a ConfigMap in the Provider's namespace", found },
    ]);
  }
  if (configMap.data[MAPPING_KEY] === undefined) {
    return refuse([
      { path: `ConfigMap ${name}`, expected: `the key ${MAPPING_KEY} in data`, found: describeKeys(configMap) },
    ]);
  }
  const { mapping, header, issues } = readOnce(configMap, given, deps.readMapping);
  if (issues.length > 0) {
    return refuse(issues.map((issue) => ({ ...issue, path: `ConfigMap ${name}: ${issue.path}` })));
  }
  return { options: { ...options, ...header, ...given, mapping }, issues: [] };
}

function describeKeys({ data, binaryKeys }: ConfigMap): string {
  if (binaryKeys.includes(MAPPING_KEY)) return `it in binaryData`;
  const keys = Object.keys(data);
  if (keys.length === 0) return 'no keys';
  const meant = nearest(MAPPING_KEY, keys);
  return meant === undefined ? `the keys ${keys.slice(0, 5).join(', ')}` : `the key ${meant}`;
}

type Reading = ReturnType<MappingReader> & { readonly mapping: MappingText };

const known = new WeakMap<ConfigMap, { readonly mapping: MappingText; readonly readings: Map<string, Reading> }>();

/** A ConfigMap is read once for all the Providers that name it, and for as long as it stays the same object. */
function readOnce(configMap: ConfigMap, given: MappingHeader, read: MappingReader): Reading {
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
