import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTempFolder } from '../../e2e/temp-folder.ts';
import { createScene } from '../scene.ts';

const HOUR_MS = 3_600_000;

describe.each([
  ['back by 2 h', -2 * HOUR_MS],
  ['ahead by 48 h', 48 * HOUR_MS],
])('a clock that is set %s', (name, shiftMs) => {
  /** A scene with 100 events that wait for a retry, whose clock was set after that. */
  const createShiftedScene = async () => {
    const clock = join(createTempFolder('clock').path, 'shift');
    writeFileSync(clock, '0');
    const scene = await createScene({
      stations: { hub: { answer: 503 } },
      env: {
        FAULTS_CLOCK: clock,
        NODE_OPTIONS: `--import ${join(import.meta.dirname, '../shifted-clock.ts')}`,
      },
    });
    await scene.load({ objects: 20, each: 5 }).done;
    await scene.controller.logged(/Provider does not deliver/);
    writeFileSync(clock, String(shiftMs));
    // the time of a log line shows when the controller has the new clock
    const isShifted = (line: string) => {
      const [, at] = /"ts":"([^"]+)"/.exec(line) ?? [];
      return at !== undefined && Math.abs(Date.parse(at) - Date.now() - shiftMs) < HOUR_MS;
    };
    await expect
      .poll(
        async () => {
          scene.configure('hub', { spec: { interval: `${Date.now()}ms` } });
          return scene.controller.log.some(isShifted);
        },
        { timeout: 20_000, interval: 500 },
      )
      .toBe(true);
    return scene;
  };

  it('while events wait for a retry', async () => {
    const scene = await createShiftedScene();
    await scene.load({ objects: 20, each: 5, first: 6 }).done;
    scene.station('hub').answer(202);
    scene.over();
    await scene.drained(30_000);
    scene.judge({ fault: `the clock set ${name}` });
  });

  it('before a restart', async () => {
    const scene = await createShiftedScene();
    await scene.controller.kill();
    await scene.restart();
    scene.station('hub').answer(202);
    scene.over();
    await scene.drained(30_000);
    scene.judge({ fault: `the clock set ${name} before a restart`, duplicates: 'killed' });
  });
});
