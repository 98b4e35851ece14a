import { basename } from 'node:path';
import { specVersions } from 'cdevents-sdk';
import type { Option } from 'commander';
import { formatIssue } from '../../diagnostics/format.ts';
import { type Issue, withFile } from '../../diagnostics/issue.ts';
import { readMapping } from '../../mapping/file/read-mapping.ts';
import { presetNames } from '../../mapping/presets/presets.ts';
import type { Mapping } from '../../mapping/rules/mapping-model.ts';
import type { PresetName, ProviderOptions, SpecVersion } from '../../provider/provider.ts';
import { DEFAULT_OPTIONS } from '../../provider/provider-options.ts';
import { CommandFailed, flag } from '../command.ts';
import { type Io, note } from '../io.ts';
import { readText } from '../read-text.ts';

/** The flags that select rules, named like the annotations of a Provider. */
export interface MappingFlags {
  readonly mapping?: string;
  readonly preset?: PresetName;
  readonly specVersion?: SpecVersion;
}

const DEFAULTS = `what the mapping says, else`;

export const mappingFlags = (): readonly Option[] => [
  flag('--mapping <file>', 'rules of your own, tried before those of the preset'),
  flag('--preset <name>', `built-in mapping (default: ${DEFAULTS} ${DEFAULT_OPTIONS.preset})`, (option) =>
    option.choices(presetNames),
  ),
  flag('--spec-version <version>', `CDEvents version (default: ${DEFAULTS} ${DEFAULT_OPTIONS.specVersion})`, (option) =>
    option.choices(specVersions),
  ),
];

/** The selected rules. */
export interface ChosenMapping {
  readonly options: Pick<ProviderOptions, 'specVersion' | 'preset' | 'mapping'>;
  /** Absent when only a preset applies. */
  readonly mapping?: Mapping;
}

/**
 * Reads the mapping that the flags name. A flag wins over the header of the mapping, as an annotation does.
 * @throws {FluxCDEventsError} `FCE_OPTION_INVALID` when the file cannot be read
 * @throws {CommandFailed} when the mapping is not valid; its issues have been printed
 */
export async function chooseMapping(io: Io, flags: MappingFlags): Promise<ChosenMapping> {
  if (flags.mapping === undefined) return { options: optionsOf(flags, {}) };
  const chosen = readChosen(await readText(flags.mapping), flags.mapping, flags);
  if ('options' in chosen) return chosen;
  for (const issue of chosen.issues) note(io, formatIssue(issue));
  throw new CommandFailed();
}

/** The rules of a text, or all its issues. */
export function readChosen(
  text: string,
  file: string,
  flags: Omit<MappingFlags, 'mapping'>,
): ChosenMapping | { readonly issues: readonly Issue[] } {
  const given = {
    ...(flags.specVersion && { specVersion: flags.specVersion }),
    ...(flags.preset && { preset: flags.preset }),
  };
  const { mapping, header, issues } = readMapping(text, given);
  if (issues.length > 0 || !mapping) return { issues: issues.map((issue) => withFile(file, issue)) };
  return { options: { ...optionsOf(flags, header), mapping: { name: basename(file), text } }, mapping };
}

export const optionsOf = (
  { preset, specVersion }: Omit<MappingFlags, 'mapping'>,
  header: Omit<MappingFlags, 'mapping'>,
): ChosenMapping['options'] => ({
  specVersion: specVersion ?? header.specVersion ?? DEFAULT_OPTIONS.specVersion,
  preset: preset ?? header.preset ?? DEFAULT_OPTIONS.preset,
});
