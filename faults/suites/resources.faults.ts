import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createTempFolder } from '../../e2e/temp-folder.ts';
import { aCommit, anEntry } from '../../packages/flux-cdevents/src/outbox/contract/fixtures.ts';
import { openSqliteOutbox } from '../../packages/flux-cdevents/src/outbox/sqlite/sqlite-outbox.ts';
import { createScene } from '../scene.ts';

const MIB = 1024 * 1024;
/** The memory limit of the shipped manifests. */
const SHIPPED_LIMIT_BYTES = 1024 * MIB;

it('events of 3 MB by the hundred fit into the shipped memory limit', async () => {
  const scene = await createScene({ stations: { hub: { answer: 'hang', spec: { timeout: '2s' } } } });
  await scene.load({ objects: 50, each: 2, padding: 2_900_000 }).done;
  for (let n = 0; n < 3; n++) await scene.controller.deliveries();
  scene.station('hub').answer({ status: 202, delayMs: 20 });
  scene.over();
  await scene.drained();
  expect(scene.controller.memory().peakBytes).toBeLessThan(SHIPPED_LIMIT_BYTES);
  scene.judge({ fault: '100 events of 3 MB', duplicates: 'no answer in time' });
});

it('a heap that is too small ends the process or refuses, and loses nothing', async () => {
  const scene = await createScene({
    stations: { hub: { answer: 503 } },
    env: { NODE_OPTIONS: '--max-old-space-size=192' },
  });
  const load = scene.load({ objects: 40, each: 3, padding: 2_900_000, attempts: 3 });
  await load.done;
  scene.station('hub').answer(202);
  scene.over();
  if (!scene.controller.running) {
    expect(await scene.controller.ended).not.toBe(0);
    await scene.restart();
  }
  await scene.drained();
  scene.judge({ fault: 'a heap of 192 MB with events of 3 MB', duplicates: 'the end of the process' });
});

it('no file descriptors left for a while', async ({ skip }) => {
  skip(spawnSync('prlimit', ['--version']).status !== 0, 'there is no prlimit');
  const scene = await createScene({ stations: { healthy: {}, hub: { answer: 503 } } });
  await scene.load({ objects: 20, each: 5 }).done;
  const pid = String(scene.controller.pid);
  const before = execFileSync('prlimit', ['--pid', pid, '--nofile', '--output=SOFT', '--noheadings'], {
    encoding: 'utf8',
  });
  const open = readdirSync(`/proc/${pid}/fd`).length;
  execFileSync('prlimit', ['--pid', pid, `--nofile=${open}:`]);
  const load = scene.load({ objects: 20, each: 5, first: 6 });
  scene.configure('hub', { spec: { timeout: '3s' } }); // has to be read without a descriptor
  await expect.poll(() => load.statuses.get('none') ?? load.ended, { timeout: 30_000 }).toBeGreaterThan(0);
  execFileSync('prlimit', ['--pid', pid, `--nofile=${before.trim()}:`]);
  scene.station('hub').answer(202);
  scene.over();
  await load.done;
  await scene.drained();
  scene.judge({ fault: 'no file descriptors left', duplicates: 'no answer could be read' });
});

it('100,000 events that wait for one Provider do not delay another', async () => {
  const { path } = createTempFolder('backlog');
  const outbox = await openSqliteOutbox({ path: join(path, 'outbox.db') });
  const provider = { namespace: 'flux-system', name: 'backlog' };
  for (let from = 0; from < 100_000; from += 5_000) {
    await Promise.all(
      Array.from({ length: 5_000 }, (__, i) => {
        const { type: _, ...entry } = anEntry(`${from + i}.1`, {
          provider,
          kind: 'flux',
          orderingKey: `key ${i % 500}`,
          message: `{"message": "${i}"}`,
        });
        return outbox.commit(aCommit([entry], { object: `object ${from + i}` }));
      }),
    );
  }
  await outbox.close();
  const scene = await createScene({
    dataDir: path,
    stations: { healthy: {}, backlog: { answer: 'hang', spec: { timeout: '2s' } } },
  });
  await scene.load({ objects: 40, each: 10 }).done;
  const { delivered } = scene.station('healthy').account;
  await expect.poll(() => delivered.size, { timeout: 30_000 }).toBe(400);
  const backlog = (await scene.controller.providers()).find(({ name }) => name === 'backlog');
  const { pending = 0, delivering = 0 } = backlog?.counts ?? {};
  expect(pending + delivering).toBe(100_400);
  scene.judge({ fault: '100,000 waiting for another Provider' }, 'healthy');
});
