import { expect, it } from 'vitest';
import { runCommand } from '../../../test/helpers/command-io.ts';
import { mappingJsonSchema } from '../../mapping/file/json-schema.ts';
import { casesJsonSchema } from '../../mapping-cases/cases-json-schema.ts';
import { createMappingSchemaCommand } from './schema.ts';

it.each([
  [[], mappingJsonSchema()],
  [['mapping'], mappingJsonSchema()],
  [['cases'], casesJsonSchema()],
])('%j prints the schema', async (argv, expected) => {
  const { code, stdout, stderr } = await runCommand(createMappingSchemaCommand, argv);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual(expected);
});

it('2 for another one', async () => {
  const { code, stderr } = await runCommand(createMappingSchemaCommand, ['rules']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('Allowed choices are mapping, cases')]);
});
