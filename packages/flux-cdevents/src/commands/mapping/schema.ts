import type { Command } from 'commander';
import { mappingJsonSchema } from '../../map/rules/json-schema.ts';
import { createCommand, helpWith } from '../command.ts';
import { type Io, print } from '../io.ts';

/** `mapping schema`: what an editor needs to complete and check a mapping.yaml. */
export const createMappingSchemaCommand = (io: Io): Command =>
  createCommand('schema', io)
    .summary('print the JSON Schema of mapping.yaml')
    .description(
      'Prints the JSON Schema of mapping.yaml. Editors with yaml-language-server take it from a first line such as ' +
        '"# yaml-language-server: $schema=mapping.schema.json".',
    )
    .addHelpText(
      'after',
      helpWith([['flux-cdevents mapping schema > mapping.schema.json', 'a file to name in an editor']]),
    )
    .action(() => print(io, JSON.stringify(mappingJsonSchema(), undefined, 2)));
