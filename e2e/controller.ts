import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  AlertsAnswer,
  DeliveryPage,
  ProblemsAnswer,
  ProvidersAnswer,
} from '../packages/flux-cdevents/src/http/api-types.ts';
import type { Access } from './api.ts';
import { kubeconfigFor } from './cluster.ts';
import { type Child, startChild, tail } from './process.ts';
import { createTempFolder } from './temp-folder.ts';
import { eventually, freePorts } from './wait.ts';

/** `flux-cdevents serve` as a process of its own. */
export interface Controller {
  readonly pid: number;
  readonly running: boolean;
  readonly ended: Child['ended'];
  readonly dataDir: string;
  readonly urls: { readonly events: string; readonly metrics: string; readonly health: string; readonly ui: string };
  /** The lines of its log so far. */
  readonly log: readonly string[];
  /** Resolves with the log line, past or to come, that matches. */
  logged(matches: RegExp): Promise<string>;
  /** @returns the status of `/readyz`; undefined while there is no answer */
  readiness(): Promise<number | undefined>;
  /** @returns the status of `/healthz`; undefined while there is no answer */
  liveness(): Promise<number | undefined>;
  /** Resolves when it is ready. */
  ready(withinMs?: number): Promise<void>;
  /** Posts a Flux event. @returns the status of the answer */
  post(event: unknown): Promise<number>;
  deliveries(): Promise<DeliveryPage['entries']>;
  providers(): Promise<ProvidersAnswer['providers']>;
  alerts(): Promise<AlertsAnswer['alerts']>;
  problems(): Promise<ProblemsAnswer['problems']>;
  /** The text of `/metrics`. */
  scrape(): Promise<string>;
  /** Its resident memory now and at its peak, in bytes. Linux only. */
  memory(): { readonly rssBytes: number; readonly peakBytes: number };
  /** Sends SIGTERM, waits for the end, and removes its files. */
  stop(): Promise<void>;
  /** Sends SIGTERM and waits for the end; the files stay until `stop`. */
  terminate(): Promise<void>;
  /** Sends SIGKILL; the files stay until `stop`. */
  kill(): Promise<void>;
}

export type ControllerOptions = ControllerProcess &
  (
    | {
        /** The address of its API server and its identity there. */
        readonly access: Access;
      }
    | {
        /** The folder of its configuration. */
        readonly config: string;
      }
  );

interface ControllerProcess {
  /** @default free ones */
  readonly ports?: ControllerPorts;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What runs the command: a program and its arguments. @default this Node.js */
  readonly command?: readonly string[];
  /** The data directory of an earlier controller. @default an empty one, removed on `stop` */
  readonly dataDir?: string;
}

export type ControllerPorts = Readonly<Record<'events' | 'metrics' | 'health' | 'ui', number>>;

export async function freeControllerPorts(): Promise<ControllerPorts> {
  const [events = 0, metrics = 0, health = 0, ui = 0] = await freePorts(4);
  return { events, metrics, health, ui };
}

const BIN = join(import.meta.dirname, '../packages/flux-cdevents/bin/flux-cdevents.js');

/** Starts the controller on free loopback ports; resolves when it runs, ready or not. */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { ports = await freeControllerPorts(), flags = [], env = {}, command = [process.execPath] } = options;
  const folder = createTempFolder('controller');
  const inherited = Object.entries(process.env).filter(([name]) => !/^(FLUX_CDEVENTS_|KUBECONFIG|RUNTIME_)/.test(name));
  const dataDir = options.dataDir ?? join(folder.path, 'data');
  const args = ['serve', '--data-dir', dataDir];
  if ('config' in options) args.push('--config', options.config);
  else {
    const kubeconfig = join(folder.path, 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigFor(options.access), { mode: 0o600 });
    args.push('--kubernetes', '--kubeconfig', kubeconfig);
  }
  for (const [flag, port] of Object.entries(ports)) args.push(`--${flag}-addr`, `127.0.0.1:${port}`);
  const [program = '', ...before] = command;
  const child = await startChild(program, [...before, BIN, ...args, ...flags], {
    ...Object.fromEntries(inherited),
    ...env,
  });
  const urls = {
    events: `http://127.0.0.1:${ports.events}`,
    metrics: `http://127.0.0.1:${ports.metrics}`,
    health: `http://127.0.0.1:${ports.health}`,
    ui: `http://127.0.0.1:${ports.ui}`,
  };
  const get = async <T>(path: string) => (await (await fetch(`${urls.ui}/api/v1/${path}`)).json()) as T;
  const probe = (path: string) => () =>
    fetch(`${urls.health}/${path}`, { signal: AbortSignal.timeout(5_000) }).then(
      ({ status }) => status,
      () => undefined,
    );
  const readiness = probe('readyz');
  return {
    pid: child.pid,
    get running() {
      return child.running;
    },
    ended: child.ended,
    dataDir,
    urls,
    log: child.lines,
    logged: (matches) => child.line(matches),
    readiness,
    liveness: probe('healthz'),
    async ready(withinMs = 20_000) {
      await eventually(async () => {
        const status = await readiness();
        if (child.running && status !== 200) throw new Error(`not ready (${status}):\n${tail(child.lines)}`);
      }, withinMs);
      if (!child.running) throw new Error(`flux-cdevents ended:\n${tail(child.lines)}`);
    },
    post: async (event) => (await fetch(urls.events, { method: 'POST', body: JSON.stringify(event) })).status,
    deliveries: async () => (await get<DeliveryPage>('deliveries?limit=500')).entries,
    providers: async () => (await get<ProvidersAnswer>('providers')).providers,
    alerts: async () => (await get<AlertsAnswer>('alerts')).alerts,
    problems: async () => (await get<ProblemsAnswer>('problems')).problems,
    scrape: async () => (await fetch(`${urls.metrics}/metrics`)).text(),
    memory() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      const kibibytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
      return { rssBytes: kibibytes('VmRSS') * 1024, peakBytes: kibibytes('VmHWM') * 1024 };
    },
    async stop() {
      await child.stop();
      folder.remove();
    },
    terminate: () => child.stop(),
    kill: () => child.kill(),
  };
}
