import { expect, it } from 'vitest';
import { runCommand } from '../../../test/helpers/command-io.ts';
import { mappingJsonSchema } from '../../map/rules/json-schema.ts';
import { createMappingSchemaCommand } from './schema.ts';

it('prints the schema', async () => {
  const { code, stdout, stderr } = await runCommand(createMappingSchemaCommand, []);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual(mappingJsonSchema());
});
