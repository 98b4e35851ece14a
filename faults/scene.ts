import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import {
  type Controller,
  type ControllerOptions,
  type ControllerPorts,
  freeControllerPorts,
  startController,
} from '../e2e/controller.ts';
import { createTempFolder } from '../e2e/temp-folder.ts';
import { eventually } from '../e2e/wait.ts';
import {
  type ReceivedRequest,
  type Receiver,
  type ReceiverAnswer,
  type ReceiverOptions,
  startReceiver,
} from '../packages/flux-cdevents/test/helpers/receiver.ts';
import { type Account, createLedger, eventsIn, type Ledger } from './ledger.ts';
import { type Load, type LoadOptions, startLoad } from './load.ts';
import { addRow } from './rows.ts';

/** A receiver whose answers go into the ledger, and the Provider for it. */
export interface Station {
  readonly name: string;
  readonly receiver: Receiver;
  readonly account: Account;
  answer(answer: Answer): void;
}

/** @param attempt counts the requests to the receiver, from 0 */
export type Answer = ReceiverAnswer | ((attempt: number, request: ReceivedRequest) => ReceiverAnswer);

export interface StationOptions extends Pick<ReceiverOptions, 'tls' | 'port'> {
  /** @default 202 */
  readonly answer?: Answer;
  /** Replaces parts of the Provider's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The host of the address. @default that of the receiver */
  readonly host?: string;
  /** The `ca.crt` of its Secret. */
  readonly ca?: string;
  /** The `token` of its Secret. */
  readonly token?: string;
}

export interface SceneOptions extends Partial<Pick<ControllerOptions, 'flags' | 'env' | 'command' | 'dataDir'>> {
  readonly stations?: Readonly<Record<string, StationOptions>>;
}

/** A controller as a process, its configuration, receivers and a ledger of every event. */
export interface Scene {
  readonly controller: Controller;
  readonly ledger: Ledger;
  readonly config: string;
  readonly dataDir: string;
  station(name: string): Station;
  load(options: Pick<LoadOptions, 'objects' | 'each'> & Partial<LoadOptions>): Load;
  /** Writes the Provider, the Alert and the Secret of a station. */
  configure(
    name: string,
    changes?: Partial<Pick<StationOptions, 'spec' | 'ca' | 'token'> & { readonly name: string }>,
  ): void;
  /** Removes the Provider and the Alert of a station. */
  unconfigure(name: string): void;
  /** Starts another controller on the same ports and data, after the last one has ended. */
  restart(changes?: Pick<SceneOptions, 'command'>): Promise<void>;
  /** Listens again on the port of a station whose receiver was closed. */
  reopen(name: string): Promise<void>;
  /** The trouble is over: the time to recover counts from here. */
  over(): void;
  /** Waits until nothing is queued. */
  drained(withinMs?: number): Promise<void>;
  /** Makes all dead letters due again, and waits until nothing is queued. @returns how many there were */
  replayDeadLetters(): Promise<number>;
  /**
   * Checks the ledger: nothing lost, the order kept. Adds a row to the table of the run.
   * @param stations @default all
   */
  judge(verdict: Verdict, ...stations: string[]): void;
}

export interface Verdict {
  readonly fault: string;
  /** How often the fault happened. @default 1 */
  readonly times?: number;
  /** Dead letters that were replayed. @default 0 */
  readonly dead?: number;
  /** Why the receiver may have got an event twice. Absent: it may not. */
  readonly duplicates?: string;
}

const apiVersion = 'notification.toolkit.fluxcd.io/v1';

export async function createScene(options: SceneOptions = {}): Promise<Scene> {
  const { stations: stationOptions = { hub: {} }, dataDir: givenDataDir, ...processOptions } = options;
  const folder = createTempFolder('faults');
  onTestFinished(() => folder.remove());
  const config = join(folder.path, 'config');
  const dataDir = givenDataDir ?? join(folder.path, 'data');
  mkdirSync(config);
  const ledger = createLedger();
  const stations = new Map<string, Station>();
  for (const [name, one] of Object.entries(stationOptions)) stations.set(name, await startStation(name, one, ledger));

  const station = (name: string): Station => {
    const found = stations.get(name);
    if (!found) throw new Error(`there is no station ${name}`);
    return found;
  };
  const configure: Scene['configure'] = (name, changes = {}) => {
    const { receiver } = station(name);
    const { host, annotations = {}, ...standing } = stationOptions[name] ?? {};
    const { ca, token } = { ...standing, ...changes };
    const objectName = changes.name ?? name;
    const address = host === undefined ? receiver.url : receiver.url.replace(/127\.0\.0\.1|localhost/, host);
    const metadata = { namespace: 'flux-system', name: objectName };
    const objects = [
      {
        apiVersion,
        kind: 'Provider',
        metadata: { ...metadata, annotations },
        spec: {
          type: 'cdevents',
          address,
          ...(token !== undefined && { secretRef: { name: objectName } }),
          ...(ca !== undefined && { certSecretRef: { name: objectName } }),
          ...standing.spec,
          ...changes.spec,
        },
      },
      { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { 'ca.crt': ca, token } },
      {
        apiVersion,
        kind: 'Alert',
        metadata,
        spec: {
          providerRef: { name: objectName },
          eventSources: [{ kind: 'HelmRelease', name: '*', namespace: 'apps' }],
        },
      },
    ];
    writeFileSync(join(config, `${name}.json`), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  };
  for (const name of stations.keys()) configure(name);

  const ports = await freeControllerPorts();
  let controller = await start(ports);
  onTestFinished(() => controller.stop());
  let overAt = performance.now();
  let drainedAt = overAt;

  function start(at: ControllerPorts, changes: Pick<SceneOptions, 'command'> = {}): Promise<Controller> {
    return startController({ config, dataDir, ports: at, ...processOptions, ...changes });
  }

  const queued = async () => {
    const { providers } = (await (await fetch(`${controller.urls.ui}/api/v1/providers`)).json()) as {
      readonly providers: readonly { readonly name: string; readonly counts: Record<string, number> }[];
    };
    const waiting = providers.map(({ name, counts: { waiting = 0, pending = 0, delivering = 0 } }) => ({
      name,
      queued: waiting + pending + delivering,
    }));
    return waiting.filter((provider) => provider.queued > 0);
  };

  const drained = async (withinMs = 60_000) => {
    await eventually(async () => expect(await queued()).toEqual([]), withinMs);
    drainedAt = performance.now();
  };

  await controller.ready();
  return {
    get controller() {
      return controller;
    },
    ledger,
    config,
    dataDir,
    station,
    load: (load) => startLoad({ ledger, url: `${controller.urls.events}/`, ...load }),
    configure,
    unconfigure: (name) => writeFileSync(join(config, `${name}.json`), '{"apiVersion":"v1","kind":"List","items":[]}'),
    async restart(changes) {
      controller = await start(ports, changes);
      await controller.ready();
    },
    async reopen(name) {
      const { port } = station(name).receiver;
      stations.set(name, await startStation(name, { ...stationOptions[name], port }, ledger));
    },
    over() {
      overAt = performance.now();
    },
    drained,
    async replayDeadLetters() {
      for (const { account } of stations.values()) account.replaying();
      const answer = await fetch(`${controller.urls.ui}/api/v1/deliveries/replay`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ all: true }),
      });
      const { count } = (await answer.json()) as { readonly count: number };
      await drained();
      return count;
    },
    judge({ fault, times = 1, dead = 0, duplicates }, ...names) {
      const judged = names.length > 0 ? names.map(station) : [...stations.values()];
      const accounts = judged.map(({ account }) => account);
      const sum = (of: (account: Account) => number) => accounts.reduce((total, account) => total + of(account), 0);
      const lost = accounts.flatMap(({ delivered }) => [...ledger.accepted].filter((key) => !delivered.has(key)));
      const orderViolations = accounts.flatMap((account) => account.orderViolations);
      addRow({
        fault,
        times,
        accepted: ledger.accepted.size * accounts.length,
        delivered: sum(({ delivered }) => delivered.size),
        dead,
        lost: lost.length,
        duplicates: sum((account) => account.duplicates),
        why: duplicates ?? '',
        order: orderViolations.length,
        seconds: Math.max(0, Math.round((drainedAt - overAt) / 100) / 10),
      });
      expect(ledger.accepted.size).toBeGreaterThan(0);
      expect(lost).toEqual([]);
      expect(orderViolations).toEqual([]);
      if (duplicates === undefined) expect(sum((account) => account.duplicates)).toBe(0);
    },
  };
}

async function startStation(name: string, options: StationOptions, ledger: Ledger): Promise<Station> {
  const account = ledger.account(name);
  let standing: Answer = options.answer ?? 202;
  let attempts = 0;
  const receiver = await startReceiver({
    ...(options.tls && { tls: options.tls }),
    ...(options.port !== undefined && { port: options.port }),
    answer(request) {
      const answer = typeof standing === 'function' ? standing(attempts++, request) : standing;
      for (const key of eventsIn(request.body)) account.attempted(key, statusOf(answer));
      return answer;
    },
  });
  onTestFinished(() => receiver.close());
  return {
    name,
    receiver,
    account,
    answer(answer) {
      standing = answer;
    },
  };
}

const statusOf = (answer: ReceiverAnswer): number | undefined => {
  if (typeof answer === 'number') return answer;
  return typeof answer === 'object' && 'status' in answer ? answer.status : undefined;
};
