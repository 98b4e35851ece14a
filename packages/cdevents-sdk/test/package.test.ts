import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as sdk from '../src/index.ts';
import * as v03 from '../src/v0.3.ts';
import * as v04 from '../src/v0.4.ts';
import * as v05 from '../src/v0.5.ts';

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

it('exports the types that it exported before', () => {
  const index = readFileSync(new URL('index.ts', sources), 'utf8');
  const types = [...index.matchAll(/export type \{([^}]+)\}/g)].flatMap(([, names = '']) => names.match(/\w+/g) ?? []);
  expect(types.toSorted()).toMatchInlineSnapshot(`
    [
      "CDEvent",
      "CDEventOf",
      "CDEventsErrorCode",
      "CloudEvent",
      "Content",
      "ContentField",
      "ContentMode",
      "Context",
      "ContextInput",
      "ContextOf",
      "CreateOptions",
      "CustomCDEvent",
      "CustomData",
      "CustomEventOptions",
      "CustomEventType",
      "CustomSpecVersion",
      "EmbeddedLink",
      "EventInput",
      "EventName",
      "EventType",
      "ExtensionValue",
      "Extensions",
      "HttpMessage",
      "HttpOptions",
      "IncomingHeaders",
      "IncomingHttpMessage",
      "Link",
      "LinkType",
      "ParseResult",
      "ParsedEventType",
      "SpecVersion",
      "Subject",
      "UntypedEventInput",
      "ValidationIssue",
    ]
  `);
});

it.each([v03, v04, v05])('exports the same from the entry of each spec version', (entry) => {
  expect(Object.keys(entry).toSorted()).toEqual(['createEvent', 'eventNames', 'fullSpecVersion', 'specVersion']);
});

it.each(files)('%s imports its neighbours and TypeBox alone', (file) => {
  const text = readFileSync(new URL(file, sources), 'utf8');
  const imported = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier ?? '');
  for (const specifier of imported) expect(specifier).toMatch(/^(?:\.\/[\w.-]+\.ts|typebox(?:\/schema)?)$/);
  expect(text).not.toMatch(/\b(?:process|Buffer|require|__dirname)\b\s*[.(]/);
  expect(text).not.toMatch(/^export default/m);
});
