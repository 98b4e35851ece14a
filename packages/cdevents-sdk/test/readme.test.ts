import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as sdk from '../src/index.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

it('has a tour that does what it says', () => {
  const code = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, block]) => block).join('\n');
  const expected = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line);
  const runnable = code
    .replaceAll(
      /'cdevents-sdk\/(v[\d.]+)'/g,
      (_, entry: string) => `'${new URL(`../src/${entry}.ts`, import.meta.url)}'`,
    )
    .replaceAll("'cdevents-sdk'", `'${new URL('../src/index.ts', import.meta.url)}'`);
  const args = ['--input-type=module-typescript', '--eval', runnable];
  const printed = execFileSync(process.execPath, args, { encoding: 'utf8' }).trimEnd().split('\n');
  expect(expected.length).toBeGreaterThan(5);
  expect(printed).toEqual(expected);
});

it('names every function that there is', () => {
  const missing = Object.keys(sdk).filter((name) => !readme.includes(`\`${name}\``));
  expect(missing).toEqual(['DEFAULT_SPEC_VERSION']);
});
