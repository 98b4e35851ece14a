import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SKIP_REASONS } from '../src/map/convert-event.ts';
import { readMapping } from '../src/mapping/file/read-mapping.ts';
import { presetNames, presets } from '../src/mapping/presets/presets.ts';
import { casesJsonSchema } from '../src/mapping-cases/cases-json-schema.ts';
import { readCases } from '../src/mapping-cases/read-cases.ts';
import { runCase } from '../src/mapping-cases/run-cases.ts';

const BIN = join(import.meta.dirname, '../bin/flux-cdevents.js');
const EXAMPLES = join(import.meta.dirname, '../examples/mappings');
const SCHEMAS = join(import.meta.dirname, '../schemas');
const read = (...path: string[]) => readFileSync(join(...path), 'utf8');

const cases = globSync('*.cases.yaml', { cwd: EXAMPLES }).sort();
const mappings = globSync('*.yaml', { cwd: EXAMPLES })
  .filter((file) => !cases.includes(file))
  .sort();

const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
addFormats.default(ajv);
const validateCases = ajv.compile(JSON.parse(read(SCHEMAS, 'cases.schema.json')));
const complaints = (document: unknown) => (validateCases(document) ? [] : (validateCases.errors ?? []));

describe('the examples of mappings', () => {
  it('pass, and reach every rule, by the real command line', async () => {
    const files = cases.map((file) => join(EXAMPLES, file));
    const child = spawn(process.execPath, [BIN, 'mapping', 'test', '--require-coverage', '--json', ...files]);
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    expect([code, stderr]).toEqual([0, '']);
    const { failed, notCovered, files: reports } = JSON.parse(stdout);
    expect({ failed, notCovered, files: reports.length }).toEqual({ failed: 0, notCovered: [], files: cases.length });
  });

  it('have cases for every preset with rules', () => {
    for (const preset of presetNames) {
      if (presets[preset].rules.length > 0) expect(cases).toContain(`${preset}.cases.yaml`);
    }
  });

  it.each(mappings)('%s is right', (file) => expect(readMapping(read(EXAMPLES, file)).issues).toEqual([]));
  it.each(mappings)('%s has cases', (file) => expect(cases).toContain(file.replace('.yaml', '.cases.yaml')));
});

describe('the schema of cases', () => {
  it('is what scripts/mapping-schema.ts writes', () => {
    expect(JSON.parse(read(SCHEMAS, 'cases.schema.json'))).toEqual(casesJsonSchema());
  });

  it.each(cases)('takes %s, as the reader does', (file) => {
    const source = read(EXAMPLES, file);
    expect(complaints(parse(source))).toEqual([]);
    expect(readCases(source).issues).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a field that is misspelt', { name: 'a', event: { reason: 'X' }, expct: [] }, '/cases/0'],
    ['an event without a reason', { name: 'a', event: {}, expect: [] }, '/cases/0/event'],
    [
      'a type that does not exist',
      { name: 'a', event: 'x.json', expect: [{ type: 'service.upgrade' }] },
      '/cases/0/expect/0/type',
    ],
    ['a reason that there is not', { name: 'a', event: 'x.json', skipped: 'no' }, '/cases/0/skipped'],
    ['no steps', { name: 'a', steps: [] }, '/cases/0/steps'],
  ])('refuses %s', (_, one, place) => {
    expect(complaints({ cases: [one] }).map(({ instancePath }) => instancePath)).toContain(place);
    expect(readCases(JSON.stringify({ cases: [one] })).issues).not.toEqual([]);
  });
});

describe('docs/testing-mappings.md', () => {
  const page = read(import.meta.dirname, '../../../docs/testing-mappings.md');
  const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) => yaml);
  const files = blocks.filter((yaml) => yaml.includes('cases:\n'));

  it('shows files of cases that are right', () => {
    expect(files).toHaveLength(3);
    for (const yaml of files) {
      expect(readCases(yaml).issues).toEqual([]);
      expect(complaints(parse(yaml))).toEqual([]);
    }
  });

  it('tells a story that is true', async () => {
    const story = readCases(files.at(-1) ?? '').file?.cases ?? [];
    const options = { specVersion: '0.4', preset: 'service', unmapped: 'skip', unchanged: 'skip' } as const;
    expect(story.map((one) => runCase(one, { options, events: new Map() }).passed)).toEqual([true]);
  });

  it('names every reason to skip, and every field', () => {
    for (const reason of SKIP_REASONS) expect(page).toContain(`\`${reason}\` (`);
    const { properties } = casesJsonSchema() as { properties: Record<string, unknown> };
    for (const field of Object.keys(properties)) expect(page).toContain(`\`${field}\``);
  });
});

describe('the tutorial of docs/mapping.md', () => {
  const page = read(import.meta.dirname, '../../../docs/mapping.md');
  const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) => yaml);
  const text = blocks.find((yaml) => yaml.includes('name: production-upgraded')) ?? '';

  it('ends at the example', () => {
    expect(parse(text)).toEqual(parse(read(EXAMPLES, 'production-upgrades.yaml')));
  });

  it('has cases that pass', () => {
    const { file } = readCases(blocks.find((yaml) => yaml.includes('\ncases:\n')) ?? '');
    const setup = {
      options: { specVersion: '0.4', preset: 'service', unmapped: 'skip', unchanged: 'skip' } as const,
      events: new Map(),
    };
    const mapping = { name: 'mapping.yaml', text };
    const results = file?.cases.map((one) => runCase(one, { ...setup, options: { ...setup.options, mapping } })) ?? [];
    expect(results.map(({ passed }) => passed)).toEqual([true, true]);
    expect(results.map(({ steps }) => steps[0]?.result.rule)).toEqual(['production-upgraded', 'upgrade-succeeded']);
  });
});
