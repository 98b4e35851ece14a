import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as sdk from '../src/index.ts';

const sources = new URL('../src/', import.meta.url);
const files = readdirSync(sources).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));

it('exports what it exported before', () => {
  expect(Object.keys(sdk).toSorted()).toMatchInlineSnapshot(`
    [
      "CDEventsError",
      "DEFAULT_SPEC_VERSION",
      "cloudEventsFromHttp",
      "contentFields",
      "convert",
      "createCustomEvent",
      "createEvent",
      "createUntypedEvent",
      "decodeCustomData",
      "encodeCustomData",
      "eventNames",
      "eventTypeOf",
      "fromCloudEvent",
      "fromHttp",
      "fullSpecVersions",
      "isCustomEvent",
      "isEvent",
      "isEventName",
      "isLink",
      "isSpecVersion",
      "parse",
      "parseEventType",
      "safeParse",
      "specVersionOf",
      "specVersions",
      "toCloudEvent",
      "toHttp",
      "validate",
      "validateCloudEvent",
      "validateLink",
    ]
  `);
});

it.each(files)('%s imports its neighbours and TypeBox alone', (file) => {
  const text = readFileSync(new URL(file, sources), 'utf8');
  const imported = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier ?? '');
  for (const specifier of imported) expect(specifier).toMatch(/^(?:\.\/[\w.-]+\.ts|typebox(?:\/schema)?)$/);
  expect(text).not.toMatch(/\b(?:process|Buffer|require|__dirname)\b\s*[.(]/);
  expect(text).not.toMatch(/^export default/m);
});
