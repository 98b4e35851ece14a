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
import { startChild, tail } from './process.ts';
import { createTempFolder } from './temp-folder.ts';
import { eventually, freePorts } from './wait.ts';

/** `flux-cdevents serve --kubernetes` as a process of its own. */
export interface Controller {
  readonly pid: number;
  readonly dataDir: string;
  readonly urls: { readonly events: string; readonly metrics: string; readonly health: string; readonly ui: string };
  /** The lines of its log so far. */
  readonly log: readonly string[];
  /** Resolves with the log line, past or to come, that matches. */
  logged(matches: RegExp): Promise<string>;
  /** @returns the status of `/readyz`; undefined while there is no answer */
  readiness(): Promise<number | undefined>;
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
  /** Sends SIGKILL; the files stay until `stop`. */
  kill(): Promise<void>;
}

export interface ControllerOptions {
  /** The address of its API server and its identity there. */
  readonly access: Access;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The data directory of an earlier controller. @default an empty one, removed on `stop` */
  readonly dataDir?: string;
}

const BIN = join(import.meta.dirname, '../packages/flux-cdevents/bin/flux-cdevents.js');

/** Starts the controller on free loopback ports; resolves when it runs, ready or not. */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { access, flags = [], env = {} } = options;
  const folder = createTempFolder('e2e');
  const kubeconfig = join(folder.path, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(access), { mode: 0o600 });
  const [events, metrics, health, ui] = await freePorts(4);
  const inherited = Object.entries(process.env).filter(([name]) => !/^(FLUX_CDEVENTS_|KUBECONFIG|RUNTIME_)/.test(name));
  const dataDir = options.dataDir ?? join(folder.path, 'data');
  const args = ['serve', '--kubernetes', '--kubeconfig', kubeconfig, '--data-dir', dataDir];
  for (const [flag, port] of Object.entries({ events, metrics, health, ui })) {
    args.push(`--${flag}-addr`, `127.0.0.1:${port}`);
  }
  const child = await startChild(process.execPath, [BIN, ...args, ...flags], {
    ...Object.fromEntries(inherited),
    ...env,
  });
  const urls = {
    events: `http://127.0.0.1:${events}`,
    metrics: `http://127.0.0.1:${metrics}`,
    health: `http://127.0.0.1:${health}`,
    ui: `http://127.0.0.1:${ui}`,
  };
  const get = async <T>(path: string) => (await (await fetch(`${urls.ui}/api/v1/${path}`)).json()) as T;
  const readiness = () =>
    fetch(`${urls.health}/readyz`).then(
      ({ status }) => status,
      () => undefined,
    );
  return {
    pid: child.pid,
    dataDir,
    urls,
    log: child.lines,
    logged: (matches) => child.line(matches),
    readiness,
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
    kill: () => child.kill(),
  };
}
