import type { Command } from 'commander';
import { createCommand, helpWith } from './command.ts';
import type { Io } from './io.ts';
import { createMappingSchemaCommand } from './mapping/schema.ts';
import { createMappingShowCommand } from './mapping/show.ts';
import { createMappingTestCommand } from './mapping/test.ts';

/** `mapping`: shows, tests and describes the rules that turn Flux events into CDEvents. */
export const createMappingCommand = (io: Io): Command =>
  createCommand('mapping', io)
    .summary('show the rules of a mapping, test them, describe them to an editor')
    .description('Shows the rules that turn Flux events into CDEvents, tests them, and describes them to an editor.')
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents mapping show --preset service', 'print the rules of a preset as a mapping file'],
        ['flux-cdevents mapping test mapping.cases.yaml', 'check that a mapping does what its cases expect'],
        ['flux-cdevents mapping schema > mapping.schema.json', 'write the JSON Schema that editors use'],
      ]),
    )
    .addCommand(createMappingShowCommand(io))
    .addCommand(createMappingTestCommand(io))
    .addCommand(createMappingSchemaCommand(io));
