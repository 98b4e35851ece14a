import { fullSpecVersions } from 'cdevents-sdk';
import type { Command } from 'commander';
import { Document, visit } from 'yaml';
import { rulesOf } from '../../map/explanation.ts';
import { spellOut } from '../../mapping/presets/spell-out.ts';
import type { Mapping } from '../../mapping/rules/mapping-model.ts';
import { toPrintable } from '../../observe/printable.ts';
import { createCommand, flag, helpWith } from '../command.ts';
import { type Io, printJson, printLines } from '../io.ts';
import { type ChosenMapping, chooseMapping, type MappingFlags, mappingFlags } from './flags.ts';

/** `mapping show`: prints the rules in force in the form of custom rules. */
export function createMappingShowCommand(io: Io): Command {
  const command = createCommand('show', io)
    .summary('print the rules in force as YAML')
    .description(
      'Prints the rules in force, those of a mapping before those of the preset, in the form of mapping.yaml. ' +
        'The defaults of each event type are spelled out, so that the output, used as a mapping, gives the same CDEvents ' +
        'without the preset.',
    );
  for (const option of mappingFlags()) command.addOption(option);
  return command
    .addOption(flag('--json', 'print JSON instead of YAML'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents mapping show', 'print the rules of preset rfc'],
        ['flux-cdevents mapping show --preset service > mapping.yaml', 'start a mapping of your own from a preset'],
        ['flux-cdevents mapping show --mapping mapping.yaml', 'print your rules and the rules that apply after them'],
      ]),
    )
    .action(async ({ json, ...flags }: MappingFlags & { readonly json?: true }) => {
      const chosen = await chooseMapping(io, flags);
      const { mapping, neverReached } = spellOut(chosen.mapping, chosen.options);
      if (json) printJson(io, mapping, 2);
      else printLines(io, toYaml(mapping, neverReached, chosen));
    });
}

function toYaml(mapping: Mapping, neverReached: readonly string[], { options }: ChosenMapping): string {
  const off = [...new Set(mapping.rules.flatMap(({ optional }) => optional ?? []))].filter(
    (name) => !mapping.enable?.includes(name),
  );
  const head = [
    `The rules of ${rulesOf(options)} for CDEvents ${fullSpecVersions[options.specVersion]}, with all defaults spelled out.`,
    'They are tried in order, and the first one that matches an event wins; one with emit: [] leaves it alone.',
    'Expressions are CEL; a field whose expression evaluates to null is left out.',
    ...(off.length > 0 ? [`Off unless enabled, with enable: [${off.join(', ')}] or some of it.`] : []),
    ...(neverReached.length > 0
      ? [`Left out, because an earlier rule matches the same events: ${neverReached.join(', ')}.`]
      : []),
  ];
  const comment = head.map((line) => `# ${toPrintable(line)}\n`).join('');
  const document = new Document(mapping, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      // what is printed as an escape means the same in double quotes, and only there
      if (typeof node.value === 'string' && !isPrintable(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return `${comment}${document.toString({ lineWidth: 0 })}`.trimEnd();
}

const isPrintable = (text: string): boolean => text.split('\n').every((line) => toPrintable(line) === line);
