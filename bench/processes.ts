// Starts the processes of a benchmark, reads their CPU time and memory from /proc, and ends them by their id.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Running {
  readonly process: ChildProcess;
  /** The address that it printed as its first line. */
  readonly url: string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const BIN = 'packages/flux-cdevents/bin/flux-cdevents.js';
const root = join(import.meta.dirname, '..');

/** Runs a script of this folder that prints its address as its first line. */
export function start(script: string, ...args: string[]): Promise<Running> {
  return run([join(import.meta.dirname, script), ...args]);
}

async function run(args: readonly string[]): Promise<Running> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const [url] = await Promise.race([
    lines[Symbol.asyncIterator]()
      .next()
      .then(({ value }) => [String(value)]),
    exitOf(child).then(() => {
      throw new Error(`${args[0]} ended before it listened`);
    }),
  ]);
  return { process: child, url: url ?? '', stop: (signal) => end(child, signal) };
}

const exitOf = (child: ChildProcess) => new Promise<void>((resolve) => child.once('exit', () => resolve()));

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = exitOf(child);
  child.kill(signal);
  await exited;
}

export interface Served extends Running {
  readonly metrics: string;
  readonly api: string;
}

export interface Ports {
  readonly events: number;
  readonly metrics: number;
  readonly health: number;
  readonly ui: number;
}

export const freePorts = async (): Promise<Ports> => {
  const [events = 0, metrics = 0, health = 0, ui = 0] = await Promise.all(Array.from({ length: 4 }, freePort));
  return { events, metrics, health, ui };
};

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Starts `serve` and waits until it is ready. @param checkout of which repository. @default this one */
export async function serve(
  config: string,
  data: string,
  { ports, checkout = root }: { ports?: Ports; checkout?: string } = {},
): Promise<Served> {
  const { events, metrics, health, ui } = ports ?? (await freePorts());
  const at = (port: number) => `127.0.0.1:${port}`;
  const child = spawn(
    process.execPath,
    [
      ...[join(checkout, BIN), 'serve', '--config', config, '--data-dir', data, '--log-level', 'error'],
      ...['--events-addr', at(events), '--metrics-addr', at(metrics)],
      ...['--health-addr', at(health), '--ui-addr', at(ui)],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}`);
    return (await fetch(`http://${at(health)}/readyz`)).ok;
  });
  return {
    process: child,
    url: `http://${at(events)}/`,
    metrics: `http://${at(metrics)}/metrics`,
    api: `http://${at(ui)}/api/v1`,
    stop: (signal) => end(child, signal),
  };
}

/** Waits until a condition holds. An error that the condition throws counts as not yet. */
export async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      if (await condition()) return;
    } catch (error) {
      if (String(error).includes('ended with')) throw error;
    }
    if (performance.now() > deadline) throw new Error('condition not met in time');
    await sleep(10);
  }
}

const TICKS_A_SECOND = 100;

/** CPU time of a process so far, user and system, in seconds. */
export function cpuSeconds(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** Peak resident memory of a process, in MB. */
export function peakMb(pid: number | undefined): number {
  const [, kb] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kb) / 1024);
}
