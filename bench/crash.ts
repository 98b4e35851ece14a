// Kills the controller with SIGKILL in the middle of a load and restarts it on the same data. The sender behaves as Flux
// does: up to five attempts, 1 s apart and doubling; 429 means that the event was accepted before. Counts the events that
// were accepted, delivered, lost and delivered twice.
// usage: npm run bench:crash -- [events] [kills]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { fluxEvent } from './load.ts';
import { freePorts, serve, start, until } from './processes.ts';

const count = Number(process.argv[2] ?? 5000);
const kills = Number(process.argv[3] ?? 2);
const CONNECTIONS = 32;
const ATTEMPTS = 5;

const work = mkdtempSync(join(tmpdir(), 'flux-cdevents-crash-'));
const config = join(work, 'config');
const data = join(work, 'data');
mkdirSync(config);
const receiver = await start('receiver.ts');
writeFileSync(
  join(config, 'all.yaml'),
  `apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata: {name: hub, namespace: flux-system}
spec: {type: cdevents, address: ${receiver.url}}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Alert
metadata: {name: apps, namespace: flux-system}
spec:
  providerRef: {name: hub}
  eventSources: [{kind: HelmRelease, name: '*', namespace: apps}]
`,
);

const ports = await freePorts();
let controller = await serve(config, data, { ports });
const pool = new Pool(new URL(controller.url).origin, { connections: CONNECTIONS });
let accepted = 0;
let answered = 0;
let repeats = 0;
let next = 0;

async function send(i: number): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/',
        body: fluxEvent(i, { objects: 1000, run: 'crash' }),
      });
      await body.dump();
      if (statusCode === 202 || statusCode === 429) {
        accepted += 1;
        if (statusCode === 429) repeats += 1;
        return;
      }
    } catch {
      // The controller is away.
    }
    await sleep(1000 * 2 ** (attempt - 1));
  }
}

const senders = Array.from({ length: CONNECTIONS }, async () => {
  while (next < count) {
    await send(next++);
    answered += 1;
  }
});
for (let kill = 1; kill <= kills; kill++) {
  await until(() => answered >= (count * kill) / (kills + 1));
  await controller.stop('SIGKILL');
  controller = await serve(config, data, { ports });
}
await Promise.all(senders);

const stats = async () => (await (await fetch(`${receiver.url}/stats`)).json()) as { received: number; unique: number };
const pending = async () => {
  const text = await (await fetch(controller.metrics)).text();
  const depth = (state: string) => Number(new RegExp(`queue_depth\\{state="${state}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  return depth('waiting') + depth('pending') + depth('delivering');
};
await until(async () => (await pending()) === 0);
const { received, unique } = await stats();
await pool.close();
await controller.stop();
await receiver.stop();
rmSync(work, { recursive: true, force: true });
console.log(
  `${count} posted, ${kills} times killed: ${accepted} accepted (${repeats} of them on a repeat), ` +
    `${unique} delivered, ${Math.max(0, accepted - unique)} lost, ${received - unique} delivered more than once`,
);
process.exitCode = accepted > unique ? 1 : 0;
