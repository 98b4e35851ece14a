import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { watchFiles } from './watched-files.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-'));
  path = join(folder, 'token');
});
afterEach(() => rmSync(folder, { recursive: true }));

const watch = () => watchFiles([path], () => readFileSync(path, 'utf8'));

it('reads again only after a change', () => {
  writeFileSync(path, 'one');
  const files = watch();
  expect(files.refresh()).toEqual({ status: 'unchanged' });
  writeFileSync(path, 'second');
  expect(files.current).toBe('one');
  expect(files.refresh()).toEqual({ status: 'changed' });
  expect(files.current).toBe('second');
});

it('keeps the current value while the files are gone, and reports that once', () => {
  writeFileSync(path, 'one');
  const files = watch();
  rmSync(path);
  expect(files.refresh()).toMatchObject({ status: 'failed', error: { code: 'ENOENT' } });
  expect(files.refresh()).toEqual({ status: 'unchanged' });
  expect(files.current).toBe('one');
  writeFileSync(path, 'second');
  expect(files.refresh()).toEqual({ status: 'changed' });
  expect(files.current).toBe('second');
});

it('throws when there is nothing to begin with', () => {
  expect(watch).toThrow('ENOENT');
});
