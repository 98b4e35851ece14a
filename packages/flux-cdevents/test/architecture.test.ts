import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '../src');

/** What a room may import: rooms, files of rooms, and npm packages. */
interface Room {
  readonly rooms?: readonly string[];
  readonly packages?: readonly string[];
}

/** Rooms that every other room may import. None of these imports anything but `errors.ts`. */
const ground = ['lib', 'contracts.ts', 'errors.ts', 'observe', 'version.ts'];
const schemas = ['typebox', 'typebox/compile', 'typebox/value', 'typebox/format', 'typebox/system'];
const outboxPorts = [
  'outbox/entry.ts',
  'outbox/event-store.ts',
  'outbox/work-queue.ts',
  'outbox/inspection.ts',
  'outbox/dead-letters.ts',
  'outbox/outbox.ts',
];

/**
 * Who may import whom. A room is a folder or a file; a file belongs to the longest path here that it starts with. Arrows
 * run one way, so that no cycle can be drawn.
 */
const house: Readonly<Record<string, Room>> = {
  'errors.ts': {},
  'version.ts': { rooms: ['../package.json'] },
  'contracts.ts': {},
  lib: { rooms: ['errors.ts'], packages: ['lru-cache', 're2js'] },
  observe: { packages: ['pino', 'pino-pretty', 'prom-client'] },

  diagnostics: { packages: [...schemas, 'yaml'] },
  flux: { rooms: ['diagnostics'], packages: schemas },
  provider: { rooms: ['diagnostics', 'flux'], packages: ['yaml'] },
  cel: { rooms: ['diagnostics'], packages: ['@marcbachmann/cel-js', '@marcbachmann/cel-js/evaluator'] },
  mapping: { rooms: ['diagnostics', 'cel', 'provider'], packages: [...schemas, 'cdevents-sdk', 'lru-cache', 'yaml'] },
  map: {
    rooms: ['flux', 'provider', 'mapping', 'cel/expression.ts'],
    packages: ['cdevents-sdk', 'packageurl-js', 'uuid'],
  },
  'mapping-cases': {
    rooms: ['diagnostics', 'flux', 'provider', 'mapping', 'map'],
    packages: [...schemas, 'cdevents-sdk'],
  },

  match: { rooms: ['flux'] },
  pipeline: {
    rooms: [
      'diagnostics',
      'flux',
      'provider',
      'match/matcher.ts',
      'map',
      'outbox/entry.ts',
      'outbox/event-store.ts',
      'outbox/work-queue.ts',
      'config/config-source.ts',
      'transport/transport.ts',
    ],
  },

  outbox: { rooms: ['flux/object-ref.ts'] },
  'outbox/contract': { rooms: outboxPorts, packages: ['vitest'] },
  // The main thread and the worker meet in the protocol only.
  'outbox/sqlite/protocol.ts': { rooms: ['flux/object-ref.ts', ...outboxPorts] },
  'outbox/sqlite': {
    rooms: [
      'flux/object-ref.ts',
      'outbox/entry.ts',
      'outbox/event-store.ts',
      'outbox/outbox.ts',
      'outbox/sqlite/protocol.ts',
    ],
    packages: ['lru-cache'],
  },
  'outbox/sqlite/worker': {
    rooms: [
      'flux/object-ref.ts',
      'outbox/entry.ts',
      'outbox/work-queue.ts',
      'outbox/inspection.ts',
      'outbox/outbox.ts',
      'outbox/dead-letter-error.ts',
      'outbox/sqlite/protocol.ts',
    ],
  },

  transport: { rooms: ['provider'], packages: ['cdevents-sdk', 'undici'] },
  deliver: { rooms: ['flux', 'provider', ...outboxPorts, 'transport/transport.ts'] },

  'kube-api': { packages: ['undici', 'yaml', '@kubernetes/client-node'] },
  config: { rooms: ['diagnostics', 'flux', 'provider', 'kube-api'], packages: ['lru-cache', 'yaml'] },
  report: { rooms: ['diagnostics', 'flux', 'kube-api'], packages: ['lru-cache'] },

  receive: { rooms: ['flux', 'provider'], packages: ['fastify', 'lru-cache'] },
  http: {
    rooms: [
      'diagnostics',
      'flux',
      'provider',
      'map/explanation.ts',
      'pipeline/entry-source.ts',
      ...outboxPorts,
      'config/config-source.ts',
    ],
    packages: [...schemas, 'fastify', '@fastify/swagger', '@lukeed/ms'],
  },
  options: { rooms: ['diagnostics', 'flux', 'provider', 'outbox/outbox.ts'], packages: ['commander'] },

  'open-config.ts': { rooms: ['diagnostics', 'flux', 'provider', 'config', 'kube-api', 'report', 'options'] },
  'lifecycle.ts': { rooms: ['options/address.ts'], packages: ['fastify'] },
  'app.ts': { rooms: ['*'] },
  commands: {
    rooms: [
      'app.ts',
      'options',
      'http/api-types.ts',
      'diagnostics',
      'flux',
      'provider',
      'mapping',
      'map',
      'mapping-cases',
      'config',
      'kube-api',
      'outbox/entry.ts',
    ],
    packages: ['@lukeed/ms', 'cdevents-sdk', 'cli-table3', 'commander', 'diff', 'fastify', 'yaml'],
  },
  'cli.ts': { rooms: ['commands'], packages: ['commander'] },
};

const files = globSync('**/*.ts', { cwd: src }).filter((file) => !file.endsWith('.test.ts'));

const contains = (room: string, file: string): boolean => file === room || file.startsWith(`${room}/`);

/** The room of a file: the longest path of the table that it starts with. */
function roomOf(file: string): string {
  const rooms = Object.keys(house).filter((room) => contains(room, file));
  return rooms.sort((a, b) => b.length - a.length)[0] ?? file;
}

/** Static imports, re-exports and `import()`; comments are left out. */
function importsOf(file: string): string[] {
  const code = readFileSync(join(src, file), 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  return [...code.matchAll(/(?:\bfrom |\bimport\(?\s*)'([\w@./-]+)'/g)].map(([, specifier = '']) =>
    specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier,
  );
}

function isAllowed(from: string, to: string): boolean {
  if (to.startsWith('node:')) return true;
  const room = roomOf(from);
  const { rooms = [], packages = [] } = house[room] ?? {};
  if (packages.includes(to)) return true;
  if (files.includes(to) && roomOf(to) === room) return true;
  const open = ground.includes(room) ? rooms : [...ground, ...rooms];
  return open.some((entry) => (entry === '*' ? files.includes(to) : contains(entry, to)));
}

describe('imports', () => {
  it('know every room', () => {
    expect(files.map(roomOf).filter((room) => !(room in house))).toEqual([]);
    expect(Object.keys(house).filter((room) => !files.some((file) => contains(room, file)))).toEqual([]);
  });

  it.each(files)('%s', (file) => {
    expect(importsOf(file).filter((imported) => !isAllowed(file, imported))).toEqual([]);
  });

  it('are found whatever their form', () => {
    expect(importsOf('cli.ts')).toContain('commands/serve.ts');
    expect(importsOf('kube-api/kubeconfig.ts')).toContain('@kubernetes/client-node');
  });

  it('leave SQL to the store', () => {
    const knowing = files.filter((file) =>
      /node:sqlite|\bSELECT\b|\bINSERT INTO\b/.test(readFileSync(join(src, file), 'utf8')),
    );
    expect(knowing.filter((file) => !file.startsWith('outbox/sqlite/worker/'))).toEqual([]);
  });
});
