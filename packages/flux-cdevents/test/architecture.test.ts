import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '../src');

/**
 * Who may import whom: by folder, or by file where only one file of a folder is open. Arrows run one way, so no cycle
 * can be drawn. Everybody may import `errors.ts`, `version.ts`, `flux/` and
 * `observe/`.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'version.ts': ['../package.json'],
  flux: [],
  observe: [],
  'kube-api': [],
  options: ['outbox/outbox.ts'],
  receive: [],
  match: [],
  map: ['outbox/entry.ts'],
  outbox: [],
  transport: [],
  config: ['kube-api'],
  report: ['kube-api'],
  deliver: ['outbox/outbox.ts', 'outbox/entry.ts', 'transport/transport.ts'],
  http: ['outbox/outbox.ts', 'outbox/entry.ts', 'config/config-source.ts', 'map'],
  'forward.ts': ['map/identity.ts', 'outbox/entry.ts', 'transport/transport.ts'],
  'pipeline.ts': ['forward.ts', 'match', 'map', 'outbox/outbox.ts', 'outbox/entry.ts', 'config/config-source.ts'],
  'send-event.ts': [
    'forward.ts',
    'map',
    'outbox/outbox.ts',
    'outbox/entry.ts',
    'config/config-source.ts',
    'pipeline.ts',
  ],
  'open-config.ts': ['config', 'kube-api', 'report', 'options'],
  'app.ts': ['*'],
  commands: ['app.ts', 'options', 'http/api-types.ts', 'map', 'config', 'kube-api', 'outbox/entry.ts'],
  'cli.ts': ['commands'],
};
const open = ['errors.ts', 'version.ts', 'flux', 'observe'];
/** Nothing of ours but errors; `observe` not even that. */
const closed: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'version.ts': ['../package.json'],
  flux: ['errors.ts'],
  observe: [],
};

const files = globSync('**/*.ts', { cwd: src }).filter((file) => !file.endsWith('.test.ts'));
const roomOf = (file: string): string => file.split('/')[0] ?? file;

function importsOf(file: string): string[] {
  const code = readFileSync(join(src, file), 'utf8');
  return [...code.matchAll(/from '(\.[^']+)'/g)].map(([, specifier = '']) => normalize(join(dirname(file), specifier)));
}

function isAllowed(from: string, to: string): boolean {
  const room = roomOf(from);
  if (roomOf(to) === room) return true;
  const entries = closed[room] ?? [...open, ...(allowed[room] ?? [])];
  return entries.some((entry) => entry === '*' || entry === to || entry === roomOf(to));
}

describe('imports', () => {
  it('know every room', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(allowed).sort());
  });

  it.each(files)('%s', (file) => {
    expect(importsOf(file).filter((imported) => !isAllowed(file, imported))).toEqual([]);
  });

  it('leave SQL to the store', () => {
    const knowing = files.filter((file) =>
      /node:sqlite|\bSELECT\b|\bINSERT INTO\b/.test(readFileSync(join(src, file), 'utf8')),
    );
    expect(knowing.filter((file) => !file.startsWith('outbox/sqlite/'))).toEqual([]);
  });
});
