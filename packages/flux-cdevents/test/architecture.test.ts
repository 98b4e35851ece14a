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
const ports = (...names: readonly string[]): readonly string[] => names.map((name) => `outbox/${name}.ts`);

/**
 * Who may import whom. A room is a folder or a file; a file belongs to the longest path here that it starts with. Arrows
 * run one way, so that no cycle can be drawn.
 */
const house: Readonly<Record<string, Room>> = {
  'errors.ts': {},
  'version.ts': { rooms: ['../package.json'] },
  'contracts.ts': {},
  lib: { rooms: ['errors.ts'], packages: ['lru-cache', 're2js', 'undici'] },
  observe: { packages: ['pino', 'pino-pretty', 'prom-client'] },

  diagnostics: { packages: ['typebox', 'yaml'] },
  flux: { rooms: ['diagnostics'], packages: ['typebox'] },
  provider: { rooms: ['diagnostics', 'flux'], packages: ['yaml'] },
  cel: { rooms: ['diagnostics'], packages: ['@marcbachmann/cel-js', 'lru-cache'] },
  mapping: { rooms: ['diagnostics', 'cel', 'provider'], packages: ['typebox', 'cdevents-sdk', 'lru-cache'] },
  map: {
    rooms: ['flux', 'provider', 'mapping', 'cel/expression.ts'],
    packages: ['cdevents-sdk', 'packageurl-js', 'uuid'],
  },
  'mapping-cases': {
    rooms: ['diagnostics', 'flux', 'provider', 'mapping', 'map'],
    packages: ['typebox', 'cdevents-sdk'],
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
      'config/config-source.ts',
    ],
  },

  outbox: { rooms: ['flux/object-ref.ts'] },
  'outbox/contract': {
    rooms: ports('entry', 'event-store', 'work-queue', 'inspection', 'outbox'),
    packages: ['vitest'],
  },
  // The main thread and the worker meet in the protocol only.
  'outbox/sqlite/protocol.ts': {
    rooms: [
      'flux/object-ref.ts',
      ...ports('entry', 'event-store', 'work-queue', 'inspection', 'dead-letters', 'outbox'),
    ],
  },
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
  deliver: {
    rooms: [
      'flux',
      'provider',
      ...ports('entry', 'work-queue', 'inspection', 'dead-letters'),
      'transport/transport.ts',
    ],
  },

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
      ...ports('entry', 'work-queue', 'inspection', 'dead-letters'),
      'config/config-source.ts',
    ],
    packages: ['typebox', 'fastify', '@fastify/swagger', '@lukeed/ms', 'lru-cache'],
  },
  options: { rooms: ['diagnostics', 'flux', 'provider', 'outbox/outbox.ts'], packages: ['commander'] },

  'open-config.ts': { rooms: ['flux', 'provider', 'config', 'kube-api', 'report', 'options'] },
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

/** Static imports, re-exports and `import()`: files of `src`, and packages by their names. Comments are left out. */
function importsOf(file: string): string[] {
  const code = readFileSync(join(src, file), 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  return [...code.matchAll(/(?:\bfrom |\bimport\(?\s*)'([\w@./-]+)'/g)].map(([, specifier = '']) =>
    specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : packageOf(specifier),
  );
}

/** `typebox` of `typebox/compile`, `@scope/name` of `@scope/name/file`. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

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

  it('use all that their room may use, so that the table stays tight', () => {
    const unused = Object.entries(house).flatMap(([room, { rooms = [], packages = [] }]) => {
      const imported = files.filter((file) => roomOf(file) === room).flatMap(importsOf);
      const isUsed = (entry: string) => entry === '*' || imported.some((file) => contains(entry, file));
      return [...rooms, ...packages].filter((entry) => !isUsed(entry)).map((entry) => `${room} → ${entry}`);
    });
    expect(unused).toEqual([]);
  });

  it('form no circle, types included', () => {
    const open: string[] = [];
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string): void => {
      if (open.includes(file)) circles.push([...open.slice(open.indexOf(file)), file].join(' → '));
      if (open.includes(file) || done.has(file)) return;
      open.push(file);
      for (const imported of importsOf(file)) if (files.includes(imported)) visit(imported);
      open.pop();
      done.add(file);
    };
    for (const file of files) visit(file);
    expect(circles).toEqual([]);
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
