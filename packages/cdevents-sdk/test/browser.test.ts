import { fileURLToPath } from 'node:url';
import { type Context, createContext, runInContext } from 'node:vm';
import { rolldown } from 'rolldown';
import { beforeAll, describe, expect, it } from 'vitest';
import { validate } from '../src/index.ts';
import { aCDEvent, everyEvent } from './helpers/samples.ts';
import { variantsOf } from './helpers/variants.ts';

let code = '';

beforeAll(async () => {
  const input = fileURLToPath(new URL('../src/index.ts', import.meta.url));
  const bundle = await rolldown({ input, platform: 'browser' });
  const { output } = await bundle.generate({ format: 'iife', name: 'sdk', minify: true });
  code = output[0].code;
});

/** A page: what browsers have beyond the language itself, and nothing that Node has. */
function aPage(contentSecurityPolicy: { strings: boolean }): Context {
  const page = createContext(
    { crypto, TextDecoder, TextEncoder, atob, btoa },
    { codeGeneration: { ...contentSecurityPolicy, wasm: false } },
  );
  runInContext(`${code}; globalThis.sdk = sdk;`, page);
  return page;
}

const inPage = (page: Context, expression: string): unknown =>
  JSON.parse(runInContext(`JSON.stringify(${expression})`, page) as string);

describe.each([
  ['where code may be generated', true],
  ['where a content security policy forbids that', false],
])('in a browser, %s', (_, strings) => {
  it('creates, sends, reads and converts', () => {
    const page = aPage({ strings });
    expect(inPage(page, '[typeof process, typeof Buffer, typeof require]')).toEqual(Array(3).fill('undefined'));
    runInContext(
      `const event = sdk.createEvent('environment.created',
         { context: { source: '/page' }, subject: { id: 'ü', content: { url: 'https://a.example' } } });
       const { headers, body } = sdk.toHttp(event);`,
      page,
    );
    expect(inPage(page, `headers['ce-subject']`)).toBe('%C3%BC');
    expect(inPage(page, 'sdk.fromHttp({ headers, body })')).toEqual([inPage(page, 'event')]);
    expect(inPage(page, `sdk.convert(event, '0.5').subject.content`)).toEqual({ uri: 'https://a.example' });
    expect(inPage(page, `sdk.validate({ ...event, subject: {} }).length`)).toBe(3);
    expect(inPage(page, `sdk.decodeCustomData({ customData: 'AQI=' })`)).toEqual({ 0: 1, 1: 2 });
  });

  it('judges as it does elsewhere', () => {
    const page = aPage({ strings });
    for (const { name, specVersion } of everyEvent) {
      const variants = [...variantsOf(aCDEvent(name, specVersion, false))];
      page.texts = JSON.stringify(variants);
      const issues = inPage(page, 'JSON.parse(texts).map((variant) => sdk.validate(variant))');
      expect(issues).toEqual(variants.map(validate));
    }
  });
});

it('does forbid code generation where the test says so', () => {
  const [free, bound] = [aPage({ strings: true }), aPage({ strings: false })];
  expect(runInContext(`new Function('return 1')()`, free)).toBe(1);
  expect(() => runInContext(`new Function('return 1')()`, bound)).toThrow('Code generation from strings disallowed');
});

it('stays small enough for a page', () => {
  expect(code.length).toBeLessThan(120_000);
});
