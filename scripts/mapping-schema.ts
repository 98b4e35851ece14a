// Writes packages/flux-cdevents/schemas/: the JSON Schemas of mapping.yaml and of its cases, for editors.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mappingJsonSchema } from '../packages/flux-cdevents/src/mapping/file/json-schema.ts';
import { casesJsonSchema } from '../packages/flux-cdevents/src/mapping-cases/cases-json-schema.ts';

const root = join(import.meta.dirname, '..');
const folder = 'packages/flux-cdevents/schemas';
const schemas = { 'mapping.schema.json': mappingJsonSchema(), 'cases.schema.json': casesJsonSchema() };
mkdirSync(join(root, folder), { recursive: true });
for (const [name, schema] of Object.entries(schemas)) {
  const file = join(root, folder, name);
  writeFileSync(file, JSON.stringify(schema));
  execFileSync(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'format', '--write', file]);
  process.stdout.write(`${folder}/${name}\n`);
}
