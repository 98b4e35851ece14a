// Builds what is published: JavaScript with type declarations in packages/*/dist, each a whole package of its own
// (`npm publish packages/cdevents-sdk/dist`). The working copy's package.json runs from source and is never published.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const packages = ['cdevents-sdk', 'flux-cdevents'];
/** Folders and files of a package that are published as they are. */
const asIs = ['README.md', 'demo', 'examples', 'schemas'];
/** Folders of the repository that a package brings: the manifests that `flux-cdevents install` prints. */
const brought: Readonly<Record<string, readonly string[]>> = { 'flux-cdevents': ['deploy/base', 'deploy/components'] };

type Manifest = Record<string, unknown> & { exports?: Record<string, string>; private?: boolean };

for (const name of packages) {
  const from = join(root, 'packages', name);
  const to = join(from, 'dist');
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  const project = join(from, 'tsconfig.build.json');
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { stdio: 'inherit' });
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(toPublished(readManifest(from)), undefined, 2)}\n`);
  for (const file of asIs) {
    if (existsSync(join(from, file))) cpSync(join(from, file), join(to, file), { recursive: true });
  }
  for (const folder of brought[name] ?? []) cpSync(join(root, folder), join(to, folder), { recursive: true });
  cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
  if (existsSync(join(from, 'bin'))) {
    cpSync(join(from, 'bin'), join(to, 'bin'), { recursive: true });
    const bin = join(to, 'bin', `${name}.js`);
    writeFileSync(bin, readFileSync(bin, 'utf8').replaceAll(".ts'", ".js'"));
  }
  process.stdout.write(`packages/${name}/dist\n`);
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The manifest for the registry: entries point at JavaScript, with their types beside them. */
function toPublished({ private: _, exports = {}, ...manifest }: Manifest): Manifest {
  const published = Object.entries(exports).map(([entry, source]) => [
    entry,
    { types: source.replace(/\.ts$/, '.d.ts'), default: source.replace(/\.ts$/, '.js') },
  ]);
  return { ...manifest, ...(published.length > 0 && { exports: Object.fromEntries(published) }) };
}
