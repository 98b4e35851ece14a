// Measures accept and delivery rate, CPU per event and peak memory of three subjects: the bare forwarder, the controller
// with one Alert, and the controller with 10,000 Alerts of which one matches. They take turns; the table shows medians and
// the ratio to the bare forwarder.
// With another checkout, such as a worktree of an older commit with its node_modules, its controller takes turns as well.
// usage: npm run bench -- [events] [rounds] [checkout]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, percentile, post } from './load.ts';
import { cpuSeconds, peakMb, type Running, serve, start, until } from './processes.ts';

const count = Number(process.argv[2] ?? 5000);
const rounds = Number(process.argv[3] ?? 5);
const other = process.argv[4];
const CONNECTIONS = 32;
const OBJECTS = 1000;

const provider = (address: string) => `apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata: {name: hub, namespace: flux-system}
spec: {type: cdevents, address: ${address}}
`;
const alert = (name: string, namespace: string) => `---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Alert
metadata: {name: ${name}, namespace: flux-system}
spec:
  providerRef: {name: hub}
  eventSources: [{kind: HelmRelease, name: '*', namespace: ${namespace}}]
`;

const work = mkdtempSync(join(tmpdir(), 'flux-cdevents-bench-'));
const receiver = await start('receiver.ts');

function configFolder(name: string, alerts: number): string {
  const folder = join(work, name);
  mkdirSync(folder, { recursive: true });
  const others = Array.from({ length: alerts - 1 }, (_, i) => alert(`other-${i}`, `team-${i}`));
  writeFileSync(join(folder, 'all.yaml'), [provider(receiver.url), alert('apps', 'apps'), ...others].join(''));
  return folder;
}

const subjects: Record<string, (data: string) => Promise<Running>> = {
  'bare forwarder': (data) => start('bare-forwarder.ts', join(data, 'bare.db'), receiver.url),
  '1 Alert': (data) => serve(configFolder('one', 1), data),
  ...(other && { '1 Alert, other checkout': (data) => serve(configFolder('one', 1), data, { checkout: other }) }),
  '10,000 Alerts': (data) => serve(configFolder('many', 10_000), data),
};

interface Figures {
  readonly accepted: number;
  readonly delivered: number;
  readonly cpuUs: number;
  readonly peakMb: number;
  readonly p99Ms: number;
}

const stats = async () => (await (await fetch(`${receiver.url}/stats`)).json()) as { received: number; unique: number };

async function measure(subject: Running, run: string): Promise<Figures> {
  await warmUp(subject, run);
  await fetch(`${receiver.url}/reset`, { method: 'POST' });
  const cpuBefore = cpuSeconds(subject.process.pid);
  const started = performance.now();
  const load = await post({ url: subject.url, count, connections: CONNECTIONS, objects: OBJECTS, run });
  await until(async () => (await stats()).unique >= load.accepted);
  const seconds = (performance.now() - started) / 1000;
  return {
    accepted: load.accepted / load.seconds,
    delivered: load.accepted / seconds,
    cpuUs: ((cpuSeconds(subject.process.pid) - cpuBefore) / load.accepted) * 1e6,
    peakMb: peakMb(subject.process.pid),
    p99Ms: percentile(load.latencies, 99),
  };
}

/** Sends the events during which code is compiled and connections are opened. */
async function warmUp(subject: Running, run: string): Promise<void> {
  await fetch(`${receiver.url}/reset`, { method: 'POST' });
  const url = subject.url;
  const { accepted } = await post({ url, count: 1000, connections: CONNECTIONS, objects: OBJECTS, run: `${run} warm` });
  await until(async () => (await stats()).unique >= accepted);
}

const figures = new Map<string, Figures[]>(Object.keys(subjects).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, begin] of Object.entries(subjects)) {
    const data = mkdtempSync(join(work, 'data-'));
    const subject = await begin(data);
    figures.get(name)?.push(await measure(subject, `${name} ${round}`));
    await subject.stop();
    rmSync(data, { recursive: true, force: true });
  }
}
await receiver.stop();
rmSync(work, { recursive: true, force: true });

const medians = [...figures].map(([name, of]) => ({
  name,
  accepted: Math.round(median(of.map((f) => f.accepted))),
  delivered: Math.round(median(of.map((f) => f.delivered))),
  cpuUs: Math.round(median(of.map((f) => f.cpuUs))),
  peakMb: median(of.map((f) => f.peakMb)),
  p99Ms: Number(median(of.map((f) => f.p99Ms)).toFixed(1)),
}));
console.log(`${count} events, ${CONNECTIONS} connections, ${OBJECTS} objects, medians of ${rounds} rounds`);
console.table(
  medians.map(({ name, accepted, delivered, cpuUs, peakMb, p99Ms }) => ({
    '': name,
    'accepted/s': accepted,
    'delivered/s': delivered,
    'CPU µs/event': cpuUs,
    'peak MB': peakMb,
    'answer p99 ms': p99Ms,
    'delivered, of bare': Number((delivered / (medians[0]?.delivered ?? 1)).toFixed(2)),
  })),
);
