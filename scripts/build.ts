// Builds what is published: JavaScript with type declarations in packages/*/dist, each a whole package of its own
// (`npm publish ./packages/cdevents-sdk/dist`). The package.json of the checkout runs from source and is never published.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const packages = ['cdevents-sdk', 'flux-cdevents'];
/** Files and folders of a package that are published unchanged. */
const copied = ['README.md', 'demo', 'examples', 'schemas'];
/** Folders of the repository that a package contains: the manifests that `flux-cdevents install` prints. */
const bundled: Readonly<Record<string, readonly string[]>> = { 'flux-cdevents': ['deploy/base', 'deploy/components'] };

type Manifest = Record<string, unknown> & { exports?: Record<string, string>; private?: boolean };

for (const name of packages) {
  const from = join(root, 'packages', name);
  const to = join(from, 'dist');
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  const project = join(from, 'tsconfig.build.json');
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { stdio: 'inherit' });
  for (const map of globSync('src/**/*.js.map', { cwd: to })) nameSourceBesideMap(join(to, map));
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(toPublished(readManifest(from)), undefined, 2)}\n`);
  for (const path of copied) {
    if (existsSync(join(from, path))) cpSync(join(from, path), join(to, path), { recursive: true });
  }
  for (const folder of bundled[name] ?? []) cpSync(join(root, folder), join(to, folder), { recursive: true });
  cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
  if (existsSync(join(from, 'bin'))) {
    cpSync(join(from, 'bin'), join(to, 'bin'), { recursive: true });
    const bin = join(to, 'bin', `${name}.js`);
    writeFileSync(bin, readFileSync(bin, 'utf8').replaceAll(".ts'", ".js'"));
  }
  process.stdout.write(`packages/${name}/dist\n`);
}

/**
 * The TypeScript is inside the map (`sourcesContent`). Its name pointed out of `dist`, and so out of an installed
 * package; debuggers and stack traces now show it beside the JavaScript.
 */
function nameSourceBesideMap(file: string): void {
  const map = JSON.parse(readFileSync(file, 'utf8')) as { sources: string[] };
  writeFileSync(file, JSON.stringify({ ...map, sources: map.sources.map((source) => basename(source)) }));
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The manifest for the registry: entries point at JavaScript, with their types beside them. */
function toPublished({ private: _, exports = {}, ...manifest }: Manifest): Manifest {
  const published = Object.entries(exports).map(([entry, source]) => [
    entry,
    source.endsWith('.ts')
      ? { types: source.replace(/\.ts$/, '.d.ts'), default: source.replace(/\.ts$/, '.js') }
      : source,
  ]);
  return { ...manifest, exports: Object.fromEntries(published) };
}
