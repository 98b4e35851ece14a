import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startController } from '../../e2e/controller.ts';
import { createScene, type Scene } from '../scene.ts';
import { times } from '../times.ts';

/** Runs a load, and in the middle of it a fault again and again. */
async function underLoad(scene: Scene, count: number, fault: () => Promise<void>): Promise<void> {
  const load = scene.load({ objects: 40, each: 10 * count, everyMs: 5 });
  for (let n = 1; n <= count; n++) {
    await delay(200 + 600 * Math.random());
    await fault();
  }
  scene.over();
  await load.done;
  await scene.drained();
}

describe('a process that ends under load', () => {
  it('by SIGKILL', async () => {
    const scene = await createScene();
    const kills = times(4);
    await underLoad(scene, kills, async () => {
      await scene.controller.kill();
      await scene.restart();
    });
    scene.judge({ fault: 'SIGKILL', times: kills, duplicates: 'sent, and killed before the answer was stored' });
  });

  it('by SIGTERM', async () => {
    const scene = await createScene();
    const stops = times(3);
    await underLoad(scene, stops, async () => {
      process.kill(scene.controller.pid, 'SIGTERM');
      expect(await scene.controller.ended).toBe(0);
      await scene.restart();
    });
    scene.judge({ fault: 'SIGTERM', times: stops });
  });

  it('stopped for a while by SIGSTOP', async () => {
    const scene = await createScene();
    const stops = times(2);
    await underLoad(scene, stops, async () => {
      process.kill(scene.controller.pid, 'SIGSTOP');
      await delay(3_000);
      process.kill(scene.controller.pid, 'SIGCONT');
    });
    scene.judge({ fault: 'SIGSTOP for 3 s', times: stops });
  });
});

it('a second process on the same store ends and says why', async () => {
  const scene = await createScene();
  const load = scene.load({ objects: 20, each: 10 });
  const second = await startController({ config: scene.config, dataDir: scene.dataDir });
  expect(await second.ended).toBe(1);
  expect(second.log.join('\n')).toContain('FCE_STORE_LOCKED');
  scene.over();
  await load.done;
  await scene.drained();
  scene.judge({ fault: 'a second process on the store' });
});
