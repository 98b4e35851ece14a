import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { specVersions } from 'cdevents-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMappingCommand } from '../src/commands/mapping.ts';
import { mappingJsonSchema } from '../src/mapping/file/json-schema.ts';
import { readMapping } from '../src/mapping/file/read-mapping.ts';
import { presetNames } from '../src/mapping/presets/presets.ts';
import { runCommand } from './helpers/command-io.ts';

const fixtures = join(import.meta.dirname, 'fixtures/mappings');
const schemaFile = join(import.meta.dirname, '../schemas/mapping.schema.json');
const read = (file: string) => readFileSync(join(fixtures, file), 'utf8');
const filesIn = (folder: string) => globSync('*.yaml', { cwd: join(fixtures, folder) }).sort();

const validate = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false }).compile(
  JSON.parse(readFileSync(schemaFile, 'utf8')),
);
/** The places that the schema complains about. */
const complaints = (document: unknown): string[] => {
  validate(document);
  return [...new Set((validate.errors ?? []).map(({ instancePath }) => instancePath))];
};

it('is what scripts/mapping-schema.ts writes', () => {
  expect(JSON.parse(readFileSync(schemaFile, 'utf8'))).toEqual(mappingJsonSchema());
});

describe('takes', () => {
  it.each(filesIn('.'))('%s, as the reader does', (file) => {
    expect(complaints(parse(read(file)))).toEqual([]);
    expect(readMapping(read(file)).issues).toEqual([]);
  });

  it.each(presetNames.flatMap((preset) => specVersions.map((version) => [preset, version] as const)))(
    'what mapping show prints of preset %s for %s, as the reader does',
    async (preset, version) => {
      const args = ['show', '--preset', preset, '--spec-version', version];
      const { stdout } = await runCommand(createMappingCommand, args);
      expect(complaints(parse(stdout))).toEqual([]);
      expect(readMapping(stdout)).toMatchObject({ header: { specVersion: version, preset: 'none' }, issues: [] });
      const { stdout: json } = await runCommand(createMappingCommand, [...args, '--json']);
      expect(readMapping(json)).toEqual(readMapping(stdout));
    },
  );
});

it('takes whatever the reader takes', () => {
  const texts = filesIn('.').map(read);
  const places = texts.flatMap((text) =>
    [...text.matchAll(/\S+/g)].map(({ index, 0: word }) => ({ text, index, word })),
  );
  const words = [...new Set(places.map(({ word }) => word))];
  const changed = fc
    .tuple(fc.constantFrom(...places), fc.option(fc.constantFrom(...words), { nil: '' }))
    .map(([{ text, index, word }, other]) => `${text.slice(0, index)}${other}${text.slice(index + word.length)}`);
  fc.assert(
    fc.property(changed, (text) => {
      fc.pre(readMapping(text).issues.length === 0);
      expect(complaints(parse(text))).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

describe('refuses', () => {
  /** What takes an understanding of expressions, of other rules or of YAML itself. */
  const beyondSchemas = [
    'aliases.yaml',
    'bad-yaml.yaml',
    'comment.yaml',
    'duplicate-fields.yaml',
    'enable-of-other-preset.yaml',
    'enable.yaml',
    'match-is-text.yaml',
    'misspelt-variable.yaml',
    'never-reached.yaml',
    'regular-expression.yaml',
    'same-name.yaml',
    'several-documents.yaml',
    'syntax.yaml',
    'text-without-quotes.yaml',
  ];

  it.each(filesIn('broken').filter((file) => !beyondSchemas.includes(file)))('%s', (file) => {
    expect(complaints(parse(read(`broken/${file}`)))).not.toEqual([]);
  });

  it.each([
    ['a field that no version has', { type: 'taskrun.finished', content: { taskname: 'taskRun.name' } }, '/content'],
    ['content without what every version requires', { type: 'service.deployed', content: {} }, '/content'],
    ['text where a map is', { type: 'environment.modified', subject: 'service.id' }, '/subject'],
    ['a list as an expression', { type: 'environment.modified', customData: { a: [1] } }, '/customData/a'],
    ['an incident without a cause', { type: 'incident.detected', incident: {} }, '/incident'],
    ['an incident elsewhere', { type: 'service.removed', incident: { cause: 'failure' } }, '/type'],
    ['the place of the Flux event', { type: 'service.removed', customData: { flux: 'event' } }, '/customData/flux'],
  ])('%s', (_, emit, place) => {
    const mapping = { rules: [{ name: 'any', match: 'true', emit: [emit] }] };
    expect(complaints(mapping)).toContain(`/rules/0/emit/0${place}`);
  });

  it('an event that the version of the mapping does not have', () => {
    const rules = [{ name: 'any', match: 'true', emit: [{ type: 'ticket.created' }] }];
    expect(complaints({ specVersion: '0.3', rules })).toContain('/rules/0/emit/0/type');
    expect(complaints({ specVersion: '0.4', rules })).toEqual([]);
  });
});
