import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { fullSpecVersions, type SpecVersion } from '../../src/index.ts';

/** The specification's own schemas and conformance files, which lie beside the repository and never in it. */
export const officialRoot = fileURLToPath(new URL('../../../../../shared/data/cdevents/', import.meta.url));
export const officialIsHere = existsSync(officialRoot);

const readJsonFiles = (folder: string): { file: string; json: Record<string, unknown>; text: string }[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      return { file, text, json: JSON.parse(text) as Record<string, unknown> };
    });

/** Every conformance file of a spec version, that of the custom events with them. */
export function conformanceFiles(specVersion: SpecVersion): { file: string; text: string }[] {
  const root = join(officialRoot, fullSpecVersions[specVersion]);
  const files = readJsonFiles(join(root, 'conformance'));
  if (specVersion === '0.3') return files;
  return [...files, { file: 'custom', text: readFileSync(join(root, 'custom', 'conformance.json'), 'utf8') }];
}

/** Whether an official schema accepts a value, by event type; `custom` is that of the custom events. */
export interface Judge {
  readonly types: readonly string[];
  accepts(type: string, value: unknown): boolean;
  acceptsLink(linkType: string, value: unknown): boolean;
}

/** The official schemas of a spec version, compiled by Ajv. */
export function officialJudge(specVersion: SpecVersion): Judge {
  const ajv = new Ajv2020.default({ strict: false, validateFormats: true });
  addFormats.default(ajv);
  const root = join(officialRoot, fullSpecVersions[specVersion], 'schemas');
  const byType = new Map<string, string>();
  const linkFolder = join(root, 'links');
  if (existsSync(linkFolder)) for (const { json } of readJsonFiles(linkFolder)) ajv.addSchema(json);
  for (const { json } of readJsonFiles(root)) {
    ajv.addSchema(json);
    const { properties } = json as {
      properties: { context: { properties: { type: { enum: [string] } } } };
    };
    byType.set(properties.context.properties.type.enum[0], json.$id as string);
  }
  if (specVersion !== '0.3') {
    const file = join(officialRoot, fullSpecVersions[specVersion], 'custom', 'schema.json');
    const schema = JSON.parse(readFileSync(file, 'utf8')) as { $id: string };
    ajv.addSchema(schema);
    byType.set('custom', schema.$id);
  }
  const accepts = (id: string | undefined, value: unknown): boolean => {
    if (id === undefined) return false;
    return ajv.getSchema(id)?.(value) === true;
  };
  return {
    types: [...byType.keys()],
    accepts: (type, value) => accepts(byType.get(type), value),
    acceptsLink: (linkType, value) =>
      accepts(
        `https://cdevents.dev/${fullSpecVersions[specVersion]}/schema/links/link${linkType.toLowerCase()}`,
        value,
      ),
  };
}
