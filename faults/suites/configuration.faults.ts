import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createScene, type Scene } from '../scene.ts';

const problems = async (scene: Scene) =>
  (await scene.controller.problems()).map(({ path, found }) => `${path} ${found}`);

/** Makes a path unreadable even for root: a symbolic link to itself. @returns what makes it readable again */
function makeUnreadable(path: string): () => void {
  renameSync(path, `${path}.aside`);
  symlinkSync(path, path);
  return () => {
    rmSync(path);
    renameSync(`${path}.aside`, path);
  };
}

it.each<[string, (scene: Scene) => string]>([
  ['a file of the configuration', ({ config }) => join(config, 'hub.json')],
  ['the folder of the configuration', ({ config }) => config],
])('%s that cannot be read for a while', async (name, pathIn) => {
  const scene = await createScene({ stations: { healthy: {}, hub: { answer: 503 } } });
  await scene.load({ objects: 10, each: 3 }).done;
  const readable = makeUnreadable(pathIn(scene));
  await expect.poll(() => problems(scene), { timeout: 20_000 }).not.toEqual([]);
  await scene.load({ objects: 10, each: 3, first: 4 }).done;
  scene.station('hub').answer(202);
  await scene.drained();
  scene.over();
  readable();
  await expect.poll(() => problems(scene), { timeout: 20_000 }).toEqual([]);
  await scene.load({ objects: 10, each: 3, first: 7 }).done;
  await scene.drained();
  scene.judge({ fault: `${name} unreadable` });
});

it('a restart while a file of the configuration cannot be read', async () => {
  const scene = await createScene({ stations: { healthy: {}, hub: { answer: 503 } } });
  await scene.load({ objects: 10, each: 3 }).done;
  await scene.controller.kill();
  const readable = makeUnreadable(join(scene.config, 'hub.json'));
  await scene.restart();
  await expect.poll(() => problems(scene), { timeout: 20_000 }).not.toEqual([]);
  scene.station('hub').answer(202);
  scene.over();
  readable();
  await scene.drained();
  scene.judge({ fault: 'a restart with a file of the configuration unreadable', duplicates: 'killed' });
});
