import { fullSpecVersions } from 'cdevents-sdk';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { PresetName, SpecVersion } from '../flux/provider.ts';
import { presets } from '../map/presets/presets.ts';
import { withDefaults } from '../map/rules/defaults.ts';
import type { Mapping } from '../map/rules/mapping.ts';
import { createCommand, flag, helpWith } from './command.ts';
import { type Io, print } from './io.ts';
import { presetFlag, specVersionFlag } from './mapping-flags.ts';

interface ShowFlags {
  readonly preset: PresetName;
  readonly specVersion: SpecVersion;
  readonly json?: true;
}

/** `mapping show`: the rules in force, in the form in which custom rules are written. */
export const createMappingCommand = (io: Io): Command =>
  createCommand('mapping', io)
    .summary('show the rules of the mapping')
    .description('Shows the rules that turn Flux events into CDEvents.')
    .addHelpText('after', helpWith([['flux-cdevents mapping show --preset rfc', 'the rules of the RFC']]))
    .addCommand(
      createCommand('show', io)
        .summary('print the rules of a preset as YAML')
        .description(
          'Prints the rules of a preset in the form of mapping.yaml, with everything spelled out that an event type ' +
            'says where its rule does not.',
        )
        .addOption(presetFlag())
        .addOption(specVersionFlag())
        .addOption(flag('--json', 'print JSON instead of YAML'))
        .addHelpText(
          'after',
          helpWith([
            ['flux-cdevents mapping show', 'the rules of the RFC'],
            ['flux-cdevents mapping show --spec-version 0.5 > mapping.yaml', 'a start for rules of your own'],
          ]),
        )
        .action(({ preset, specVersion, json }: ShowFlags) => {
          const mapping = spellOut(preset, specVersion);
          print(io, json ? JSON.stringify(mapping, undefined, 2) : toYaml(mapping, preset, specVersion));
        }),
    );

/** Nothing is left to a default: the rules say all that they do. */
function spellOut(preset: PresetName, specVersion: SpecVersion): Mapping {
  const { rules }: Mapping = presets[preset];
  return {
    specVersion,
    preset: 'none',
    rules: rules.map(({ emit, ...rule }) => ({ ...rule, emit: emit.map((one) => withDefaults(one, specVersion)) })),
  };
}

function toYaml(mapping: Mapping, preset: PresetName, specVersion: SpecVersion): string {
  const head = [
    `# The rules of preset ${preset} for CDEvents ${fullSpecVersions[specVersion]}. The first one that matches an event wins;`,
    '# expressions are CEL, and what evaluates to null is left out.',
  ];
  return `${head.join('\n')}\n${stringify(mapping, { lineWidth: 0, aliasDuplicateObjects: false })}`.trimEnd();
}
