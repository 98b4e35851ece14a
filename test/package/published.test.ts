import { execFileSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { SourceMap } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
// Inside the checkout, so that dependencies are found in its node_modules and nothing is downloaded.
const scratchParent = join(root, '.cache');
let scratch: string;

const run = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { cwd: scratch, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const node = (...args: string[]) => run(process.execPath, args);

/** Packs a built package and unpacks it where a scratch project would have it installed. */
function install(name: string): void {
  const built = join(root, 'packages', name, 'dist');
  if (!existsSync(built)) throw new Error(`${built} is not there: run "npm run build" first`);
  const [{ filename }] = JSON.parse(run('npm', ['pack', built, '--json', '--ignore-scripts'])) as [
    { filename: string },
  ];
  const target = join(scratch, 'node_modules', name);
  mkdirSync(target, { recursive: true });
  run('tar', ['-xzf', filename, '-C', target, '--strip-components=1']);
}

beforeAll(() => {
  mkdirSync(scratchParent, { recursive: true });
  scratch = mkdtempSync(join(scratchParent, 'published-'));
  writeFileSync(join(scratch, 'package.json'), JSON.stringify({ name: 'scratch', type: 'module', private: true }));
  install('cdevents-sdk');
  install('flux-cdevents');
  // Where a scratch project would have flux-cdevents' own dependencies, a workspace may keep some beside the package.
  const nested = join(root, 'packages/flux-cdevents/node_modules');
  if (existsSync(nested)) symlinkSync(nested, join(scratch, 'node_modules/flux-cdevents/node_modules'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('cdevents-sdk', () => {
  it('is imported as JavaScript', () => {
    writeFileSync(
      join(scratch, 'use.js'),
      `import { createEvent, parse } from 'cdevents-sdk';
       const event = createEvent('service.deployed', {
         context: { source: '/ci' },
         subject: { id: 'web', content: { environment: { id: 'prod' }, artifactId: 'pkg:oci/web' } },
       });
       process.stdout.write(parse(JSON.stringify(event)).context.type);`,
    );
    expect(node('use.js')).toBe('dev.cdevents.service.deployed.0.2.0');
  });

  it('brings types that know each content', () => {
    writeFileSync(
      join(scratch, 'use.ts'),
      `import { createEvent } from 'cdevents-sdk';
       const content = { environment: { id: 'prod' }, artifactId: 'pkg:oci/web' };
       createEvent('service.deployed', { context: { source: '/ci' }, subject: { id: 'web', content } });
       // @ts-expect-error there is no such event
       createEvent('service.launched', { context: { source: '/ci' }, subject: { id: 'web', content } });`,
    );
    const compilerOptions = { noEmit: true, strict: true, module: 'nodenext', target: 'es2024', types: [] };
    writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
    expect(node(join(root, 'node_modules/typescript/bin/tsc'), '-p', '.')).toBe('');
  });

  it('keeps its entries to those it names', () => {
    const manifest = JSON.parse(readFileSync(join(scratch, 'node_modules/cdevents-sdk/package.json'), 'utf8'));
    expect(manifest.private).toBeUndefined();
    for (const { types, default: entry } of Object.values<Record<string, string>>(manifest.exports)) {
      expect(existsSync(join(scratch, 'node_modules/cdevents-sdk', entry ?? ''))).toBe(true);
      expect(existsSync(join(scratch, 'node_modules/cdevents-sdk', types ?? ''))).toBe(true);
    }
    expect(node('--eval', "require('cdevents-sdk/package.json')")).toBe('');
    expect(() => node('--eval', "require('cdevents-sdk/src/schema.js')")).toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

describe.each(['cdevents-sdk', 'flux-cdevents'])('%s', (name) => {
  const folder = () => join(scratch, 'node_modules', name);

  it('says where it comes from and what it runs on', () => {
    const manifest = JSON.parse(readFileSync(join(folder(), 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({
      license: 'Apache-2.0',
      repository: { url: 'git+https://github.com/flux-cdevents/flux-cdevents.git', directory: `packages/${name}` },
      bugs: expect.stringMatching(/\/issues$/),
      homepage: expect.stringContaining(`packages/${name}#readme`),
      engines: { node: expect.stringMatching(/^>=\d+$/) },
      keywords: expect.arrayContaining(['cdevents']),
    });
  });

  it('has nothing in it but what it names', () => {
    const { files } = JSON.parse(readFileSync(join(folder(), 'package.json'), 'utf8'));
    const always = ['LICENSE', 'README.md', 'package.json'];
    const found = readdirSync(folder()).filter((entry) => entry !== 'node_modules');
    expect(found.toSorted()).toEqual([...always, ...files].toSorted());
    expect(globSync('**/*.test.*', { cwd: folder(), exclude: ['node_modules'] })).toEqual([]);
  });

  it('has source maps that lead to the TypeScript, which is inside them', () => {
    const files = globSync('src/**/*.js', { cwd: folder() });
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const code = readFileSync(join(folder(), file), 'utf8');
      const [, url = ''] = /^\/\/# sourceMappingURL=(.+)$/m.exec(code) ?? [];
      const map = new SourceMap(JSON.parse(readFileSync(join(folder(), dirname(file), url), 'utf8')));
      const source = file.replace(/\.js$/, '.ts');
      expect(map.payload.sources).toEqual([basename(source)]);
      expect(map.payload.sourcesContent).toEqual([readFileSync(join(root, 'packages', name, source), 'utf8')]);
    }
  });
});

it('leads from a line of JavaScript to the line it was written in', () => {
  const folder = join(scratch, 'node_modules/cdevents-sdk/src');
  const lineOf = (text: string, start: string) => text.split('\n').findIndex((line) => line.startsWith(start));
  const code = readFileSync(join(folder, 'validate.js'), 'utf8');
  const map = new SourceMap(JSON.parse(readFileSync(join(folder, 'validate.js.map'), 'utf8')));
  const written = lineOf(map.payload.sourcesContent?.[0] ?? '', 'export function parse(');
  expect(map.findEntry(lineOf(code, 'export function parse('), 0)).toMatchObject({
    originalSource: 'validate.ts',
    originalLine: written,
  });
});

describe('flux-cdevents', () => {
  const bin = 'node_modules/flux-cdevents/bin/flux-cdevents.js';

  it('runs without TypeScript', () => {
    expect(node(bin, '--version').trim()).toMatch(/^\d+\.\d+\.\d+/);
    expect(node(bin, '--help')).toContain('serve');
  });

  it('converts a Flux event', () => {
    const event = {
      involvedObject: { kind: 'HelmRelease', namespace: 'apps', name: 'web' },
      reason: 'InstallSucceeded',
      severity: 'info',
      timestamp: '2026-11-24T07:48:28Z',
      message: 'Helm install succeeded for release apps/web.v1 with chart web@1.0.0',
      reportingController: 'helm-controller',
    };
    writeFileSync(join(scratch, 'event.json'), JSON.stringify(event));
    const cdevent = JSON.parse(node(bin, 'convert', 'event.json'));
    expect(cdevent.context.type).toBe('dev.cdevents.environment.modified.0.2.0');
  });

  it('brings the JSON Schema of mapping.yaml, and prints it', () => {
    const file = join(scratch, 'node_modules/flux-cdevents/schemas/mapping.schema.json');
    expect(JSON.parse(node(bin, 'mapping', 'schema'))).toEqual(JSON.parse(readFileSync(file, 'utf8')));
  });

  it('brings the manifests of an installation', () => {
    expect(node(bin, 'install', '--export', '--components', 'forward')).toContain('--forward-to=');
  });

  it('runs the demo, its store and its worker included', () => {
    expect(node(bin, 'demo')).toMatch(/lost 0/);
  });
});
