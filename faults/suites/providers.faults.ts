import { expect, it } from 'vitest';
import { createScene, type Scene } from '../scene.ts';

/** A scene with a queue of 60 events for a receiver that refuses, beside one that takes everything. */
async function createQueue(): Promise<Scene> {
  const scene = await createScene({ stations: { healthy: {}, hub: { answer: 503 } } });
  await scene.load({ objects: 20, each: 3 }).done;
  await scene.controller.logged(/Provider does not deliver/);
  return scene;
}

/** Waits until the Provider of the queue is in force as these fields say. */
const untilHub = (scene: Scene, fields: object) =>
  expect
    .poll(async () => (await scene.controller.providers()).find(({ name }) => name === 'hub'), { timeout: 20_000 })
    .toMatchObject(fields);

async function deadLetters(scene: Scene): Promise<number> {
  const entries = await scene.controller.deliveries();
  return entries.filter(({ state }) => state === 'dead-letter').length;
}

it('a Provider that is deleted with a full queue', async () => {
  const scene = await createQueue();
  scene.unconfigure('hub');
  await expect.poll(() => deadLetters(scene), { timeout: 20_000 }).toBe(60);
  scene.station('hub').answer(202);
  scene.over();
  scene.configure('hub');
  await expect.poll(async () => (await scene.controller.providers()).length, { timeout: 20_000 }).toBe(2);
  await scene.replayDeadLetters();
  scene.judge({ fault: 'a Provider deleted with a full queue', dead: 60 });
});

it('a Provider that is suspended with a full queue', async () => {
  const scene = await createQueue();
  scene.configure('hub', { spec: { suspend: true } });
  await untilHub(scene, { suspend: true });
  scene.station('hub').answer(202);
  scene.over();
  scene.configure('hub');
  await scene.drained();
  scene.judge({ fault: 'a Provider suspended with a full queue' });
});

it('a Provider that becomes invalid with a full queue', async () => {
  const scene = await createQueue();
  scene.configure('hub', { spec: { address: 'no address' } });
  await untilHub(scene, { status: 'invalid' });
  scene.station('hub').answer(202);
  await scene.load({ objects: 20, each: 2, first: 4 }).done;
  scene.over();
  scene.configure('hub');
  await scene.drained();
  scene.judge({ fault: 'a Provider invalid with a full queue' });
});

it('a Provider that is renamed with a full queue', async () => {
  const scene = await createQueue();
  scene.unconfigure('hub');
  scene.configure('hub', { name: 'renamed' });
  await expect.poll(() => deadLetters(scene), { timeout: 20_000 }).toBe(60);
  scene.station('hub').answer(202);
  await scene.load({ objects: 20, each: 3, first: 4 }).done; // these go to the new name
  await scene.drained();
  scene.over();
  scene.configure('hub'); // the old name once more, for what waits under it
  await untilHub(scene, { status: 'ready' });
  await scene.replayDeadLetters();
  scene.judge({ fault: 'a Provider renamed with a full queue', dead: 60 });
});
