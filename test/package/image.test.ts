import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const lines = (file: string) => readFileSync(join(root, file), 'utf8').replaceAll('\\\n', ' ').split('\n');
const words = (line: string) => line.split(/\s+/).filter((word) => !word.startsWith('--'));

/** The stages of the Dockerfile, each with its instructions. */
const stages = new Map<string, string[]>();
for (const line of lines('Dockerfile').filter((one) => one !== '' && !one.startsWith('#'))) {
  const [, name = 'runtime'] = /^FROM .+? AS (\w+)$/.exec(line) ?? [];
  if (line.startsWith('FROM')) stages.set(name, []);
  else [...stages.values()].at(-1)?.push(line);
}
const copies = [...stages].flatMap(([stage, instructions]) =>
  instructions
    .filter((line) => line.startsWith('COPY'))
    .map((line) => {
      const [, ...paths] = words(line);
      return { stage, from: /--from=(\w+)/.exec(line)?.[1], sources: paths.slice(0, -1), target: paths.at(-1) ?? '' };
    }),
);

/** Whether `.dockerignore` lets a path through: the last pattern that matches it, or a folder above it, counts. */
function isInContext(path: string): boolean {
  const above = [path];
  while (dirname(above[0] ?? '.') !== '.') above.unshift(dirname(above[0] ?? ''));
  let included = true;
  for (const line of lines('.dockerignore').filter((one) => one !== '' && !one.startsWith('#'))) {
    const pattern = line.replace(/^!/, '');
    if (above.some((one) => matchesGlob(one, pattern))) included = line.startsWith('!');
  }
  return included;
}

describe('the image', () => {
  it('is built in three stages', () => {
    expect([...stages.keys()]).toEqual(['build', 'dependencies', 'runtime']);
  });

  it.each(copies.filter(({ from }) => !from).flatMap(({ sources }) => sources))(
    'copies %s, which is there',
    (source) => {
      expect(existsSync(join(root, source))).toBe(true);
      expect(isInContext(source)).toBe(true);
    },
  );

  it.each(copies.filter(({ from }) => from === 'build').flatMap(({ sources }) => sources))(
    'copies %s of the build',
    (source) => {
      expect(source).toMatch(/^\/src\/packages\/[a-z-]+\/dist$/);
      expect(existsSync(join(root, source.replace('/src/', ''), 'package.json'))).toBe(true);
    },
  );

  it('has every package of the workspace in its build', () => {
    const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { workspaces: string[] };
    for (const stage of ['build', 'dependencies']) {
      const manifests = copies.filter((copy) => copy.stage === stage).flatMap(({ sources }) => sources);
      expect(manifests).toEqual(expect.arrayContaining(workspaces.map((folder) => `${folder}/package.json`)));
    }
    const built = copies.filter(({ from }) => from === 'build').map(({ target }) => target);
    expect(built).toEqual(workspaces);
  });

  it('starts the command that was built, as nobody', () => {
    const runtime = stages.get('runtime') ?? [];
    const entrypoint = JSON.parse(
      runtime.find((line) => line.startsWith('ENTRYPOINT'))?.slice('ENTRYPOINT'.length) ?? '',
    );
    const [, folder = '', file = ''] = /^\/app\/(packages\/[a-z-]+)\/(.+)$/.exec(entrypoint[1]) ?? [];
    expect(existsSync(join(root, folder, 'dist', file))).toBe(true);
    expect(runtime).toContain('USER 65532:65532');
  });

  it.each(['node_modules', 'packages/flux-cdevents/dist', 'e2e', 'packages/flux-cdevents/src/app.test.ts'])(
    'leaves %s outside',
    (path) => expect(isInContext(path)).toBe(false),
  );
});
