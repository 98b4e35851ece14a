// Writes packages/flux-cdevents/schemas/mapping.schema.json: the JSON Schema of mapping.yaml, for editors.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mappingJsonSchema } from '../packages/flux-cdevents/src/map/rules/json-schema.ts';

const root = join(import.meta.dirname, '..');
const file = join(root, 'packages/flux-cdevents/schemas/mapping.schema.json');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, JSON.stringify(mappingJsonSchema()));
execFileSync(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'format', '--write', file]);
process.stdout.write('packages/flux-cdevents/schemas/mapping.schema.json\n');
