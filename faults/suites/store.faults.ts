import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { startController } from '../../e2e/controller.ts';
import { createTempFolder } from '../../e2e/temp-folder.ts';
import { openSqliteOutbox } from '../../packages/flux-cdevents/src/outbox/sqlite/sqlite-outbox.ts';
import { createScene, type Scene } from '../scene.ts';

const storeOf = ({ dataDir }: Pick<Scene, 'dataDir'>): string => join(dataDir, 'outbox.db');

/** How soon a store that cannot be trusted any more must be noticed. */
const NOTICED_WITHIN_MS = 10_000;

describe('a store that is damaged while the controller runs', () => {
  const damages: Readonly<Record<string, { readonly damage: (file: string) => void; readonly says: RegExp }>> = {
    deleted: { damage: (file) => rmSync(file), says: /outbox\.db was deleted while it was open/ },
    'deleted with its folder': {
      damage: (file) => rmSync(dirname(file), { recursive: true }),
      says: /was deleted/,
    },
    'replaced by another': {
      damage: (file) => {
        rmSync(file);
        new DatabaseSync(file).exec('CREATE TABLE other (x)');
      },
      says: /outbox\.db was replaced while it was open/,
    },
    'without its write-ahead log': { damage: (file) => rmSync(`${file}-wal`), says: /outbox\.db-wal was deleted/ },
    truncated: { damage: (file) => truncateSync(file, 1_000), says: /was cut off/ },
    'overwritten with garbage': {
      damage: (file) => {
        const descriptor = openSync(file, 'r+');
        writeSync(descriptor, Buffer.alloc(statSync(file).size, 0xa5));
        closeSync(descriptor);
      },
      says: /was overwritten/,
    },
  };

  it.each(Object.entries(damages))('%s: the process accepts nothing more, and ends', async (name, { damage, says }) => {
    const scene = await createScene();
    await scene.load({ objects: 20, each: 5 }).done;
    await scene.drained();
    damage(storeOf(scene));
    const damagedAt = performance.now();
    const load = scene.load({ objects: 20, each: 1_000, first: 6, attempts: 1, everyMs: 20 });
    expect(await scene.controller.ended).toBe(1);
    expect(performance.now() - damagedAt).toBeLessThan(NOTICED_WITHIN_MS);
    scene.over();
    load.stop();
    await load.done;
    const failures = scene.controller.log.filter((line) => line.includes('the store failed; stopping'));
    expect(failures).toEqual([
      expect.stringMatching(/"code":"FCE_STORE_FAILED".*Put the file or a backup of it in its place/),
    ]);
    expect(failures[0]).toMatch(says);
    scene.judge({ fault: `the store ${name} while running`, duplicates: 'the end of the process' });
  });

  it('stays locked for the process that has it', async () => {
    const scene = await createScene();
    process.kill(scene.controller.pid, 'SIGSTOP'); // it cannot notice anything now
    for (const end of ['', '-wal']) rmSync(storeOf(scene) + end);
    await expect(openSqliteOutbox({ path: storeOf(scene) })).rejects.toMatchObject({ code: 'FCE_STORE_LOCKED' });
    await scene.controller.kill();
    await (await openSqliteOutbox({ path: storeOf(scene) })).close();
  });
});

it('a thread of the store that runs out of memory: the process ends, and the next one goes on', async () => {
  const preload = join(createTempFolder('thread').path, 'small-thread.mjs');
  writeFileSync(
    preload,
    `import threads from 'node:worker_threads';
     import { syncBuiltinESMExports } from 'node:module';
     const { Worker } = threads;
     threads.Worker = class extends Worker {
       constructor(url, options) {
         const small = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };
         super(url, { ...options, ...(options?.name === 'outbox' && { resourceLimits: small }) });
       }
     };
     syncBuiltinESMExports();`,
  );
  const scene = await createScene({
    stations: { hub: { answer: 503 } },
    command: [process.execPath, '--import', preload],
  });
  await scene.load({ objects: 10, each: 2 }).done;
  const load = scene.load({ objects: 8, each: 1, first: 3, padding: 2_900_000, attempts: 1 });
  await load.done;
  expect(await scene.controller.ended).toBe(1);
  expect(load.statuses.get(202) ?? 0).toBeLessThan(8);
  expect(scene.controller.log.join('\n')).toMatch(/the store failed; stopping|its thread ended: .*memory.*start again/);
  scene.station('hub').answer(202);
  scene.over();
  await scene.restart({ command: [process.execPath] });
  await scene.drained();
  scene.judge({ fault: 'the thread of the store out of memory', duplicates: 'the end of the process' });
});

describe('a store that cannot be used at the start', () => {
  const broken: Readonly<Record<string, { readonly damage: (file: string) => void; readonly says: RegExp }>> = {
    garbage: { damage: (file) => writeFileSync(file, Buffer.alloc(50_000, 0xa5)), says: /FCE_STORE_CORRUPT/ },
    'cut in half': {
      damage: (file) => truncateSync(file, Math.floor(statSync(file).size / 8192) * 4096),
      says: /FCE_STORE_CORRUPT/,
    },
    'with a corrupted page': {
      damage: (file) => {
        const descriptor = openSync(file, 'r+');
        writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, 8 * 4096);
        closeSync(descriptor);
      },
      says: /FCE_STORE_CORRUPT/,
    },
    'of a newer version': {
      damage: (file) => {
        const db = new DatabaseSync(file);
        db.exec('PRAGMA user_version = 9999');
        db.close();
      },
      says: /FCE_STORE_TOO_NEW/,
    },
  };

  it.each(Object.keys(broken))('%s: the process says what to do, and a backup goes on', async (name) => {
    const { damage, says } = broken[name] ?? {};
    const scene = await createScene({ stations: { hub: { answer: 503 } } });
    await scene.load({ objects: 20, each: 5 }).done;
    await scene.controller.terminate();
    const backup = readFileSync(storeOf(scene));
    damage?.(storeOf(scene));
    const failed = await startController({ config: scene.config, dataDir: scene.dataDir });
    expect(await failed.ended).toBe(1);
    expect(failed.log.join('\n')).toMatch(says ?? /./);
    rmSync(`${storeOf(scene)}-wal`, { force: true });
    writeFileSync(storeOf(scene), backup);
    scene.station('hub').answer(202);
    scene.over();
    await scene.restart();
    await scene.drained();
    scene.judge({ fault: `a store ${name} at the start` });
  });
});

describe('a small disk', () => {
  const mount = (skip: TestContext['skip']): string => {
    const { path } = createTempFolder('disk');
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', path]);
    skip(status !== 0, 'this user may not mount a tmpfs');
    onTestFinished(() => void execFileSync('umount', ['--lazy', path]));
    return path;
  };

  it.for(['without a restart', 'with a restart'])('filled by waiting events, drains %s', async (how, { skip }) => {
    const disk = mount(skip);
    const scene = await createScene({ dataDir: join(disk, 'data'), stations: { hub: { answer: 503 } } });
    const load = scene.load({ objects: 40, each: 200, padding: 20_000, attempts: 2 });
    await expect.poll(() => load.statuses.get(503) ?? 0, { timeout: 60_000 }).toBeGreaterThan(50);
    await expect.poll(() => scene.controller.readiness(), { timeout: 20_000 }).toBe(503);
    load.stop();
    await load.done;
    const refusals = load.statuses.get(503) ?? 0;
    expect(scene.controller.log.filter((line) => /no room|full|refus/i.test(line)).length).toBeLessThan(refusals / 5);
    if (how === 'with a restart') {
      await scene.controller.kill();
      scene.station('hub').answer(202);
      scene.over();
      await scene.restart();
    } else {
      scene.station('hub').answer(202);
      scene.over();
    }
    await scene.drained();
    await expect.poll(() => scene.controller.readiness(), { timeout: 20_000 }).toBe(200);
    await scene.load({ objects: 10, each: 5, first: 1_000 }).done; // there is room again
    await scene.drained();
    scene.judge({
      fault: `a disk full of waiting events, drained ${how}`,
      ...(how === 'with a restart' && { duplicates: 'killed' }),
    });
  });

  it('filled by something else for a while', async ({ skip }) => {
    const disk = mount(skip);
    const scene = await createScene({ dataDir: join(disk, 'data'), stations: { hub: { answer: 503 } } });
    await scene.load({ objects: 20, each: 5 }).done;
    const filler = join(disk, 'filler');
    expect(() => writeFileSync(filler, Buffer.alloc(30_000_000))).toThrow('ENOSPC');
    scene.station('hub').answer(202);
    await scene.drained(); // out of the reserve
    scene.over();
    rmSync(filler);
    await scene.load({ objects: 20, each: 5, first: 6 }).done;
    await scene.drained();
    scene.judge({ fault: 'a disk filled by something else' });
  });

  it('that is read-only at the start', async ({ skip }) => {
    const disk = mount(skip);
    const scene = await createScene({ dataDir: join(disk, 'data'), stations: { hub: { answer: 503 } } });
    await scene.load({ objects: 20, each: 5 }).done;
    await scene.controller.terminate();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const failed = await startController({ config: scene.config, dataDir: scene.dataDir });
    expect(await failed.ended).toBe(1);
    expect(failed.log.join('\n')).toContain('FCE_STORE_UNAVAILABLE');
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    scene.station('hub').answer(202);
    scene.over();
    await scene.restart();
    await scene.drained();
    scene.judge({ fault: 'a read-only disk at the start' });
  });
});

it('a copy of the store goes on where it was taken', async () => {
  const scene = await createScene({ stations: { hub: { answer: 503 } } });
  await scene.load({ objects: 20, each: 5 }).done;
  await scene.controller.terminate();
  copyFileSync(storeOf(scene), `${storeOf(scene)}.copy`);
  rmSync(storeOf(scene));
  copyFileSync(`${storeOf(scene)}.copy`, storeOf(scene));
  scene.station('hub').answer(202);
  scene.over();
  await scene.restart();
  await scene.drained();
  scene.judge({ fault: 'the store moved' });
});
