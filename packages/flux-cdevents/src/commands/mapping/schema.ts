import { Argument, type Command } from 'commander';
import { mappingJsonSchema } from '../../mapping/file/json-schema.ts';
import { casesJsonSchema } from '../../mapping-cases/cases-json-schema.ts';
import { createCommand, helpWith } from '../command.ts';
import { type Io, printJson } from '../io.ts';

const schemas = { mapping: mappingJsonSchema, cases: casesJsonSchema } as const;
type Name = keyof typeof schemas;

/** `mapping schema`: prints the JSON Schema with which editors complete and check a mapping.yaml or its cases. */
export const createMappingSchemaCommand = (io: Io): Command =>
  createCommand('schema', io)
    .summary('print the JSON Schema of mapping.yaml, or of its cases')
    .description(
      'Prints the JSON Schema of mapping.yaml, or of the files of cases that mapping test runs. Editors with ' +
        'yaml-language-server take it from a first line such as "# yaml-language-server: $schema=mapping.schema.json".',
    )
    .addArgument(new Argument('[which]', 'of what').choices(Object.keys(schemas)).default('mapping'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents mapping schema > mapping.schema.json', 'a schema file for your editor'],
        ['flux-cdevents mapping schema cases > cases.schema.json', 'the same for cases'],
      ]),
    )
    .action((which: Name) => printJson(io, schemas[which](), 2));
