import { mkdtempSync, openSync, renameSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { DeliveryPage } from '../src/http/api-types.ts';
import { openSqliteOutbox } from '../src/outbox/sqlite/sqlite-outbox.ts';
import { startController } from './helpers/controller.ts';
import { aFluxEvent } from './helpers/flux-events.ts';
import { startReceiver } from './helpers/receiver.ts';

/*
 * The whole controller as a process, and what happens to it when its store is damaged, taken away, or dies. It is no use
 * then: it accepts nothing more, is neither alive nor ready, and ends with a line that says what to do.
 */

/** A Provider whose receiver is away. */
const CONFIG = `apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: hub, namespace: apps}
spec: {type: cdevents, address: "http://127.0.0.1:9/"}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: all, namespace: apps}
spec:
  providerRef: {name: hub}
  eventSources: [{kind: HelmRelease, name: '*', namespace: apps}]
`;

let folder: string;
const store = () => join(folder, 'data', 'outbox.db');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-faults-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const anEvent = (name: string, message = 'upgraded') => aFluxEvent({ involvedObject: { name }, message });

/** Nothing matches it, so that the store is not needed for it. */
const nothingToDo = aFluxEvent({ involvedObject: { namespace: 'elsewhere' } });

/** Shifts the clock of the whole process by what a file says, in milliseconds. */
function aSettableClock() {
  const file = join(folder, 'shift');
  const preload = join(folder, 'clock.mjs');
  const set = (ms: number) => writeFileSync(file, String(ms));
  set(0);
  writeFileSync(
    preload,
    `import { readFileSync } from 'node:fs';
     const { now } = Date;
     let shift = 0;
     setInterval(() => { shift = Number(readFileSync(${JSON.stringify(file)}, 'utf8')); }, 20).unref();
     Date.now = () => now() + shift;
     globalThis.Date = class extends Date {
       constructor(...args) {
         if (args.length === 0) super(Date.now());
         else super(...args);
       }
     };`,
  );
  return { node: ['--import', preload], set };
}

/** How long it may take until a fault is noticed. */
const NOTICED_WITHIN_MS = 10_000;
const TEST_MS = 40_000;

describe('a store whose file', () => {
  it.each<[string, () => void, RegExp]>([
    ['is deleted', () => rmSync(store()), /outbox\.db was deleted while it was open/],
    ['is deleted with its folder', () => rmSync(join(folder, 'data'), { recursive: true }), /was deleted/],
    [
      'is replaced',
      () => {
        writeFileSync(`${store()}.new`, '');
        renameSync(`${store()}.new`, store());
      },
      /outbox\.db was replaced while it was open/,
    ],
    ['loses its write-ahead log', () => rmSync(`${store()}-wal`), /outbox\.db-wal was deleted/],
    ['is cut off', () => truncateSync(store(), 1_000), /was cut off/],
    ['is overwritten', () => writeSync(openSync(store(), 'r+'), 'garbage '.repeat(50)), /was overwritten/],
  ])(
    '%s ends the process with the reason',
    async (_, damage, reason) => {
      const controller = await startController(folder, CONFIG);
      expect(await controller.post(anEvent('before'))).toBe(202);
      damage();
      const damagedAt = performance.now();
      expect(await controller.exited).toBe(1);
      expect(performance.now() - damagedAt).toBeLessThan(NOTICED_WITHIN_MS);
      const failures = controller.log.filter(({ msg }) => msg === 'the store failed; stopping');
      expect(failures).toEqual([
        expect.objectContaining({
          level: 'error',
          code: 'FCE_STORE_FAILED',
          error: expect.stringMatching(new RegExp(`${reason.source}.*Put the file or a backup of it in its place`)),
        }),
      ]);
    },
    TEST_MS,
  );

  it(
    'is deleted accepts no event from then on',
    async () => {
      const controller = await startController(folder, CONFIG);
      expect(await controller.post(anEvent('before'))).toBe(202);
      rmSync(store());
      // The answer waits until the event is durable, and this file is not.
      for (const event of [anEvent('after'), nothingToDo]) expect([503, 0]).toContain(await controller.post(event));
      for (const path of ['healthz', 'readyz'] as const)
        expect([503, 0]).toContain((await controller.probe(path)).status);
      expect(await controller.exited).toBe(1);
    },
    TEST_MS,
  );

  it(
    'is deleted stays locked for the process that had it',
    async () => {
      const controller = await startController(folder, CONFIG);
      // It cannot notice anything now.
      controller.process.kill('SIGSTOP');
      for (const end of ['', '-wal']) rmSync(store() + end);
      await expect(openSqliteOutbox({ path: store() })).rejects.toMatchObject({ code: 'FCE_STORE_LOCKED' });
      controller.process.kill('SIGKILL');
      expect(await controller.exited).toBe('SIGKILL');
      await (await openSqliteOutbox({ path: store() })).close();
    },
    TEST_MS,
  );
});

it(
  'a thread of the store that runs out of memory ends the process with the reason',
  async () => {
    // A real one, with room for a small event only.
    const preload = join(folder, 'small-thread.mjs');
    writeFileSync(
      preload,
      `import threads from 'node:worker_threads';
       import { syncBuiltinESMExports } from 'node:module';
       const { Worker } = threads;
       threads.Worker = class extends Worker {
         constructor(url, options) {
           super(url, { ...options, resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 } });
         }
       };
       syncBuiltinESMExports();`,
    );
    const controller = await startController(folder, CONFIG, { node: ['--import', preload] });
    expect(await controller.post(anEvent('small'))).toBe(202);
    const large = Array.from({ length: 8 }, (__, index) => anEvent(`large-${index}`, 'ж'.repeat(1_400_000)));
    const answers = await Promise.all(large.map((event) => controller.post(event)));
    expect(answers).toContain(503);
    expect(await controller.exited).toBe(1);
    expect(controller.log).toContainEqual(
      expect.objectContaining({
        msg: 'the store failed; stopping',
        code: 'FCE_STORE_FAILED',
        error: expect.stringMatching(/its thread ended: .*memory.*start again/),
      }),
    );
    const outbox = await openSqliteOutbox({ path: store() });
    const { entries } = await outbox.list({}, { limit: 100 });
    await outbox.close();
    const accepted = answers.filter((status) => status === 202).length + 1;
    expect(entries.length).toBeGreaterThanOrEqual(accepted);
  },
  TEST_MS,
);

it.each([
  ['back', -2 * 3_600_000],
  ['forward', 48 * 3_600_000],
])(
  'a clock that is set %s delays no delivery and expires nothing',
  async (_, step) => {
    const receiver = await startReceiver({ answer: 503 });
    onTestFinished(() => receiver.close());
    const clock = aSettableClock();
    const config = CONFIG.replace('http://127.0.0.1:9/', receiver.url);
    const controller = await startController(folder, config, { node: clock.node });
    expect(await controller.post(anEvent('before'))).toBe(202);
    await receiver.received(1);
    clock.set(step);
    await vi.waitFor(async () => {
      await controller.post({});
      expect(Math.abs(Date.parse(controller.log.at(-1)?.ts ?? '') - Date.now() - step)).toBeLessThan(60_000);
    }, 10_000);
    receiver.answer(202);
    expect(await controller.post(anEvent('after'))).toBe(202);
    await vi.waitFor(async () => {
      const answer = await fetch(`${controller.addresses.ui}/api/v1/deliveries`);
      const { entries } = (await answer.json()) as DeliveryPage;
      expect(entries.map(({ state }) => state)).toEqual(['delivered', 'delivered']);
    }, 20_000);
  },
  TEST_MS,
);
