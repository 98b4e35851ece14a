// Runs one controller with a Provider for each way in which a receiver can misbehave, and one that behaves. Shows what
// became of each event, how many attempts it took, and how much the others delayed the well-behaved receiver.
// usage: npm run bench:misbehaving -- [events per Provider] [outage in seconds]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Receiver, type ReceiverAnswer, startReceiver } from '../packages/flux-cdevents/test/helpers/receiver.ts';
import { median, percentile } from './load.ts';
import { serve, until } from './processes.ts';

const count = Number(process.argv[2] ?? 20);
const outageMs = Number(process.argv[3] ?? 60) * 1000;

/** How each receiver answers during the outage, and whether it recovers by itself or a person has to act. */
const behaviours: Record<string, { answer: ReceiverAnswer; recovers: boolean }> = {
  'takes everything': { answer: 202, recovers: true },
  '503 for the outage': { answer: 503, recovers: true },
  'hangs for the outage': { answer: 'hang', recovers: true },
  'closes connections for the outage': { answer: 'close', recovers: true },
  '429, Retry-After 5 s, for the outage': { answer: { status: 429, retryAfter: '5' }, recovers: true },
  'answers 400': { answer: 400, recovers: false },
  'answers 410': { answer: 410, recovers: false },
  'answers 301': { answer: { status: 301, headers: { location: 'http://127.0.0.1:1/' } }, recovers: false },
};

const work = mkdtempSync(join(tmpdir(), 'flux-cdevents-receivers-'));
const config = join(work, 'config');
mkdirSync(config);
const receivers = new Map<string, Receiver>();
const providers: string[] = [];
for (const [i, [name, { answer }]] of Object.entries(behaviours).entries()) {
  const receiver = await startReceiver({ answer });
  receivers.set(name, receiver);
  providers.push(`apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata: {name: p${i}, namespace: flux-system}
spec: {type: cdevents, address: ${receiver.url}, timeout: 5s}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Alert
metadata: {name: a${i}, namespace: flux-system}
spec:
  providerRef: {name: p${i}}
  eventSources: [{kind: HelmRelease, name: '*', namespace: apps}]
`);
}
writeFileSync(join(config, 'all.yaml'), providers.join('---\n'));
const controller = await serve(config, join(work, 'data'));
const healthy = receivers.get('takes everything') as Receiver;

/** Posts an event that goes to every Provider. @returns how long it took to reach the well-behaved receiver, in ms */
async function post(i: number): Promise<number> {
  const event = {
    involvedObject: {
      kind: 'HelmRelease',
      namespace: 'apps',
      name: `app-${i}`,
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
    },
    severity: 'info',
    timestamp: '2026-11-24T07:49:41Z',
    message: `Helm upgrade succeeded for release apps/app-${i}.v2 with chart podinfo@6.5.1`,
    reason: 'UpgradeSucceeded',
    metadata: { 'helm.toolkit.fluxcd.io/revision': '6.5.1' },
    reportingController: 'helm-controller',
  };
  const before = healthy.requests.length;
  const started = performance.now();
  const { status } = await fetch(controller.url, { method: 'POST', body: JSON.stringify(event) });
  if (status !== 202) throw new Error(`answered ${status}`);
  await healthy.received(before + 1);
  return performance.now() - started;
}

interface Row {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly lastError?: string;
}
async function rowsOf(i: number): Promise<Row[]> {
  const url = `${controller.api}/deliveries?provider=flux-system/p${i}&limit=500`;
  return ((await (await fetch(url)).json()) as { entries: Row[] }).entries;
}

const latencies: number[] = [];
const startedAt = performance.now();
for (let i = 0; i < count; i++) latencies.push(await post(i));
await sleep(Math.max(0, outageMs - (performance.now() - startedAt)));
for (const [name, { recovers }] of Object.entries(behaviours)) if (recovers) receivers.get(name)?.answer(202);
const recoveredAt = performance.now();
await until(async () => {
  const settled = await Promise.all(
    Object.values(behaviours).map(async ({ recovers }, i) => {
      return !recovers || (await rowsOf(i)).every(({ state }) => state === 'delivered');
    }),
  );
  return settled.every(Boolean);
}, 120_000);
const recoverySeconds = (performance.now() - recoveredAt) / 1000;

const table = await Promise.all(
  Object.keys(behaviours).map(async (name, i) => {
    const rows = await rowsOf(i);
    const states = Map.groupBy(rows, ({ state }) => state);
    const ids = new Set(receivers.get(name)?.requests.map(({ headers }) => headers['ce-id']));
    return {
      'the receiver': name,
      'what became of the events': [...states].map(([state, of]) => `${of.length} ${state}`).join(', '),
      'attempts, median': median(rows.map(({ attempts }) => attempts)),
      requests: receivers.get(name)?.requests.length ?? 0,
      'ids seen': ids.size,
      'last error': (rows.find(({ lastError }) => lastError)?.lastError ?? '').slice(0, 60),
    };
  }),
);
await controller.stop();
for (const receiver of receivers.values()) await receiver.close();
rmSync(work, { recursive: true, force: true });
console.table(table);
const sorted = latencies.sort((a, b) => a - b);
console.log(
  `post to delivery at the well-behaved receiver, the others failing: p50 ${percentile(sorted, 50).toFixed(1)} ms, ` +
    `p99 ${percentile(sorted, 99).toFixed(1)} ms; all delivered ${recoverySeconds.toFixed(1)} s after the outage`,
);
