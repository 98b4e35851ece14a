// Measures delivery to a receiver that refuses part of the requests at random, and how fast a queue is delivered after an
// outage. Every event has an object of its own, so that none waits for another.
// With another checkout, such as a worktree of an older commit with its node_modules, its controller is measured instead.
// usage: npm run bench:receivers -- [--long] [events] [checkout]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { post } from './load.ts';
import { type Running, serve, start, until } from './processes.ts';
import type { ReceiverStats, Refusals } from './receiver.ts';

const { values, positionals } = parseArgs({ options: { long: { type: 'boolean' } }, allowPositionals: true });
const count = Number(positionals[0] ?? 2000);
const [, checkout] = positionals;
const outagesSeconds = values.long ? [60, 600, 3600] : [10];
/** The last events of a queue are those that were refused most often, so the rate is that of the others. */
const MOST = 0.8;
const PATIENCE_MS = 150_000;
/** The mean delay before the second attempt of an event. */
const RETRY_SECONDS = 1.25;

const receiver = await start('receiver.ts');
const stats = async () => (await (await fetch(`${receiver.url}/stats`)).json()) as ReceiverStats;
const reset = () => fetch(`${receiver.url}/reset`, { method: 'POST' });
const refuse = (refusals: Refusals) =>
  fetch(`${receiver.url}/refuse`, { method: 'POST', body: JSON.stringify(refusals) });
const takeAll = () => refuse({ share: 0, status: 503 });

const work = mkdtempSync(join(tmpdir(), 'flux-cdevents-refusing-'));
const config = join(work, 'config');
mkdirSync(config);
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
let runs = 0;
/** Runs a controller with an empty store. */
async function withController<T>(run: (controller: Running) => Promise<T>): Promise<T> {
  runs += 1;
  const controller = await serve(config, join(work, `data-${runs}`), checkout === undefined ? {} : { checkout });
  try {
    return await run(controller);
  } finally {
    await controller.stop();
  }
}
const postAll = (controller: Running, events = count) =>
  post({ url: controller.url, count: events, connections: 32, objects: events, run: String(runs) });

/** Waits until so many events have arrived. @returns the seconds since `startedAt`, and NaN if they take too long */
async function arrived(wanted: number, startedAt: number): Promise<number> {
  const deadline = Math.max(0, startedAt + PATIENCE_MS - performance.now());
  try {
    await until(async () => (await stats()).unique >= wanted, deadline);
    return (performance.now() - startedAt) / 1000;
  } catch {
    return Number.NaN;
  }
}

const rounded = (value: number, digits = 1) => Number(value.toFixed(digits));

/** @param share of the requests that is refused */
const measureShare = (name: string, refusals: Refusals, expected = count) =>
  withController(async (controller) => {
    await reset();
    await refuse(refusals);
    const startedAt = performance.now();
    const posted = postAll(controller);
    const mostSeconds = await arrived(MOST * count, startedAt);
    const allSeconds = await arrived(expected, startedAt);
    const { accepted } = await posted;
    if (accepted !== count) throw new Error(`${accepted} of ${count} events were accepted`);
    return {
      name,
      share: refusals.share,
      rate: (MOST * count) / mostSeconds,
      allSeconds,
      expected,
      ...(await stats()),
    };
  });

const shares = [0.1, 0.5, 0.8, 0.9];
const measured = [await measureShare('refuses nothing', { share: 0, status: 500 })];
for (const share of shares) measured.push(await measureShare(`${share * 100} %: 500`, { share, status: 500 }));
for (const share of shares) {
  const refusals = { share, status: 503, retryAfter: 1 };
  measured.push(await measureShare(`${share * 100} %: 503, Retry-After: 1`, refusals));
}
measured.push(await measureShare('one event: 503, Retry-After: 600', { share: 0, status: 503, first: 1 }, count - 1));

const full = measured[0]?.rate ?? Number.NaN;
/** What an event that is due again after 1.25 s allows: how many attempts the most unlucky of so many events takes. */
const rounds = (share: number, left: number) => (share === 0 ? 0 : Math.log(left) / Math.log(share));
console.log(`${count} events, each with an object of its own`);
console.table(
  measured.map(({ name, share, rate, allSeconds, received, refused, unique }) => ({
    'the receiver refuses': name,
    [`delivered/s (first ${MOST * 100} %)`]: rounded(rate),
    ratio: rounded(rate / full, 2),
    'attempts per event': rounded((received + refused) / unique, 2),
    'at best': rounded(1 / (1 - share), 2),
    'all delivered, s': rounded(allSeconds),
    'expected, s': rounded(count / full / (1 - share) + RETRY_SECONDS * rounds(share, 1 / count)),
    delivered: unique,
  })),
);

const measureOutage = (seconds: number) =>
  withController(async (controller) => {
    await reset();
    await refuse({ share: 1, status: 503 });
    await postAll(controller);
    await sleep(2000); // by now the Provider is known to be down
    const before = await stats();
    await sleep(seconds * 1000 - 2000);
    const { refused, longestGapMs } = await stats();
    await takeAll();
    const recoveredAt = performance.now();
    const firstSeconds = await arrived(1, recoveredAt);
    const allSeconds = await arrived(count, recoveredAt);
    return {
      'outage, s': seconds,
      'requests in the first 2 s': before.refused,
      'probes after that': refused - before.refused,
      'longest time between two, s': rounded(longestGapMs / 1000),
      'first delivered after, s': rounded(firstSeconds),
      'all delivered after, s': rounded(allSeconds),
      'delivered/s': rounded(count / (allSeconds - firstSeconds)),
    };
  });

const outages = [];
for (const seconds of outagesSeconds) outages.push(await measureOutage(seconds));
console.table(outages);
await receiver.stop();
rmSync(work, { recursive: true, force: true });
