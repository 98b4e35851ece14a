import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { NewEntry } from '../packages/flux-cdevents/src/outbox/entry.ts';
import type { Commit } from '../packages/flux-cdevents/src/outbox/event-store.ts';
import type { Outbox } from '../packages/flux-cdevents/src/outbox/outbox.ts';
import { openSqliteOutbox } from '../packages/flux-cdevents/src/outbox/sqlite/sqlite-outbox.ts';

/*
 * Measures the SQLite outbox, first empty and then with a backlog. Flux event and CDEvent are about 2 kB each;
 * `--callers` events are committed at a time, as that many connections would.
 * usage: npm run bench:outbox -- [--backlog 100000] [--commits 30000] [--callers 64] [--keys 5000] [--dir DIR]
 */

const { values } = parseArgs({
  options: {
    backlog: { type: 'string', default: '100000' },
    commits: { type: 'string', default: '30000' },
    callers: { type: 'string', default: '64' },
    keys: { type: 'string', default: '5000' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const [backlog, commits, callers, keys] = [values.backlog, values.commits, values.callers, values.keys].map(Number) as [
  number,
  number,
  number,
  number,
];

const source = JSON.stringify({ message: 'x'.repeat(1_000), metadata: { revision: '6.5.4' } });
const body = JSON.stringify({ context: { version: '0.4.1' }, customData: { flux: 'y'.repeat(1_900) } });

function anEvent(number: number, provider: string): Commit {
  const object = `helm.toolkit.fluxcd.io/HelmRelease/apps/release-${number % keys}`;
  const digest = createHash('sha1').update(`${provider}${number}`).digest('hex');
  const entry: NewEntry = {
    id: `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(12, 15)}-8${digest.slice(15, 18)}-${digest.slice(18, 30)}.0123abcd`,
    provider: { namespace: 'flux-system', name: provider },
    alert: { namespace: 'flux-system', name: 'everything' },
    orderingKey: `flux-system/${provider} ${object}`,
    kind: 'cdevent',
    type: 'dev.cdevents.service.upgraded.0.2.0',
    object: `HelmRelease/apps/release-${number % keys}`,
    reason: 'UpgradeSucceeded',
    maxAgeMs: 86_400_000,
    source,
    message: body,
    partitionKey: digest.slice(0, 32),
  };
  return { object, expect: 0, entries: [entry], mark: { key: digest, ttlMs: 300_000 } };
}

/** @returns the rate, and the CPU time of one, which includes the part of this script */
async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<string> {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = count / ((performance.now() - startedAt) / 1_000);
  return `${rate(perSecond)}, ${((user + system) / count).toFixed(0)} µs of CPU each`;
}

const report = (what: string, value: string): void => console.log(`${what.padEnd(44)} ${value}`);
const rate = (perSecond: number): string => `${Math.round(perSecond).toLocaleString('en')}/s`;
const memory = (): string => `${Math.round(process.memoryUsage.rss() / 1_048_576)} MB`;

let latencies: number[] = [];
const commitOne = (outbox: Outbox, from: number, provider: string, timed: boolean) => async (index: number) => {
  const startedAt = performance.now();
  const receipt = await outbox.commit(anEvent(from + index, provider));
  if (timed) latencies.push(performance.now() - startedAt);
  if (receipt.status !== 'stored') throw new Error(`commit ${index}: ${receipt.status}`);
};

const quantile = (q: number): string => {
  const sorted = latencies.sort((a, b) => a - b);
  return `${(sorted[Math.floor(sorted.length * q)] ?? 0).toFixed(1)} ms`;
};
async function measure(outbox: Outbox, label: string, from: number): Promise<void> {
  latencies = [];
  report(`commit, ${label}`, await inParallel(commits, commitOne(outbox, from, 'fast', true)));
  report('  p50, p99, max', `${quantile(0.5)}, ${quantile(0.99)}, ${quantile(0.9999)}`);

  const claimMs: number[] = [];
  let settled = 0;
  const startedAt = performance.now();
  for (;;) {
    const claimedAt = performance.now();
    const { entries } = await outbox.claim({
      limit: 64,
      perProvider: 64,
      leaseMs: 60_000,
      except: new Set(['flux-system/hanging']),
    });
    claimMs.push(performance.now() - claimedAt);
    if (entries.length === 0) break;
    settled += entries.length;
    await outbox.settle(entries.map(({ id, leaseId }) => ({ id, leaseId, outcome: 'delivered' })));
  }
  const perClaim = claimMs.reduce((sum, ms) => sum + ms, 0) / claimMs.length;
  report(`claim 64 and settle them, ${label}`, rate(settled / ((performance.now() - startedAt) / 1_000)));
  report(
    '  one claim of 64',
    `${Math.round(perClaim * 1_000)} µs, ${((perClaim * 1_000) / 64).toFixed(1)} µs an entry`,
  );
}

const folder = mkdtempSync(join(values.dir, 'outbox-bench-'));
const path = join(folder, 'outbox.db');
try {
  let outbox = await openSqliteOutbox({ path });
  await measure(outbox, 'empty', 0);
  report('memory, empty', memory());

  report(`commit ${backlog} that stay undelivered`, await inParallel(backlog, commitOne(outbox, 0, 'hanging', false)));
  await measure(outbox, 'with the backlog', commits);
  report('memory, with the backlog', memory());
  let startedAt = performance.now();
  const [stats] = await outbox.stats();
  report('stats', `${(performance.now() - startedAt).toFixed(1)} ms (${JSON.stringify(stats?.counts)})`);
  await outbox.close();
  report('file', `${Math.round(statSync(path).size / 1_048_576)} MB`);

  startedAt = performance.now();
  outbox = await openSqliteOutbox({ path });
  report('open with the backlog', `${Math.round(performance.now() - startedAt)} ms`);
  startedAt = performance.now();
  const { entries } = await outbox.claim({ limit: 64, perProvider: 16, leaseMs: 60_000 });
  report('first claim', `${(performance.now() - startedAt).toFixed(1)} ms, ${entries.length} entries`);
  await outbox.close();
} finally {
  rmSync(folder, { recursive: true });
}
