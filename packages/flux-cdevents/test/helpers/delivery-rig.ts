import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Counter } from 'prom-client';
import { afterEach, beforeEach, expect } from 'vitest';
import { createDeliveryEngine, type DeliveryEngineDeps, type ProviderReport } from '../../src/deliver/engine.ts';
import { nameOf } from '../../src/flux/object-ref.ts';
import { createLogger } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import type { EntryState, NewEntry } from '../../src/outbox/entry.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { openSqliteOutbox } from '../../src/outbox/sqlite/sqlite-outbox.ts';
import type { ReadyProvider, ResolvedProvider } from '../../src/provider/provider.ts';
import { createTransports } from '../../src/transport/create-transports.ts';
import { eventually } from './eventually.ts';
import { aProvider as aReadyProvider, type ProviderOverrides, refOf } from './providers.ts';
import { type Receiver, type ReceiverOptions, startReceiver } from './receiver.ts';

/** The JSON of a CDEvent. */
export const cdevent = (id: string) =>
  JSON.stringify({
    context: {
      version: '0.4.1',
      id,
      source: '/flux',
      type: 'dev.cdevents.service.deployed.0.2.0',
      timestamp: '2026-03-01T12:00:00Z',
    },
    subject: { id: 'apps/podinfo', source: '/flux', type: 'service', content: {} },
  });

export const aProvider = (
  name: string,
  address: string,
  { endpoint, ...rest }: ProviderOverrides = {},
): ReadyProvider =>
  aReadyProvider({
    ref: refOf(name),
    fingerprint: `${name} 1`,
    ...rest,
    endpoint: { address, timeoutMs: 10_000, ...endpoint },
  });

/**
 * A clock that a test moves on: the store's wall clock and the engine's monotonic one go together. It stands still in
 * between, so that nothing falls due early on a busy machine, until the test lets it run.
 */
class TestClock {
  readonly #start = Date.now();
  #advanced = 0;
  #runsSince: number | undefined;
  wall = () => this.#start + Math.floor(this.monotonic());
  monotonic = () => this.#advanced + (this.#runsSince === undefined ? 0 : performance.now() - this.#runsSince);
  advance(ms: number) {
    this.#advanced += ms;
  }
  run() {
    this.#runsSince = performance.now();
  }
}

/** A delivery engine on a real outbox and real connections; only the clock is set by the test. */
class DeliveryRig {
  readonly outbox: Outbox;
  readonly reports: ProviderReport[] = [];
  readonly logs: { level: string; msg: string; [field: string]: unknown }[] = [];
  readonly metrics = createMetrics();
  map: DeliveryEngineDeps['map'] = async () => 'committed';
  readonly #real: Outbox;
  readonly #transports = createTransports({ env: {} });
  readonly #engine;
  readonly #clock: TestClock;
  readonly #listeners = new Set<() => void>();
  #count = 0;

  constructor(outbox: Outbox, clock: TestClock, deps: Partial<DeliveryEngineDeps> = {}) {
    this.#real = outbox;
    this.#clock = clock;
    this.outbox = {
      ...outbox,
      onReady: (listener) => {
        this.#listeners.add(listener);
        return outbox.onReady(listener);
      },
    };
    this.#engine = createDeliveryEngine({
      outbox: this.outbox,
      transports: this.#transports,
      map: (entry) => this.map(entry),
      logger: createLogger(
        { level: 'info', encoding: 'json' },
        { write: (line) => void this.logs.push(JSON.parse(line)) },
      ),
      metrics: this.metrics,
      now: clock.monotonic,
      wallNow: clock.wall,
      random: () => 0,
      report: (report) => void this.reports.push(report),
      ...deps,
    });
  }

  /** The store's clock. */
  now = () => this.#clock.wall();

  /** Moves the clock on, and has the outbox looked at as a timer would. */
  advance(ms: number) {
    this.#clock.advance(ms);
    for (const listener of this.#listeners) listener();
  }

  /** From now on the clock runs like that of the machine. */
  runClock() {
    this.#clock.run();
  }

  configure(...providers: ResolvedProvider[]) {
    return this.#engine.configure(new Map(providers.map((provider) => [nameOf(provider.ref), provider])));
  }

  async start(...providers: ResolvedProvider[]) {
    await this.configure(...providers);
    this.#engine.start();
  }

  drain = (timeoutMs: number) => this.#engine.drain(timeoutMs);

  /** Accepts an event for a Provider; one that is not mapped has no message yet. @returns the entry's id */
  async add(
    provider: string,
    { mapped = true, ...fields }: Partial<NewEntry> & { readonly mapped?: boolean } = {},
  ): Promise<string> {
    this.#count += 1;
    const { id = `e${this.#count}`, object = `o${this.#count}`, kind = 'cdevent' } = fields;
    const entry: NewEntry = {
      id,
      provider: refOf(provider),
      alert: refOf('flux-system/all'),
      orderingKey: object,
      kind,
      object,
      reason: 'InstallSucceeded',
      maxAgeMs: 86_400_000,
      source: '{}',
      ...(mapped && { message: cdevent(id) }),
      ...(mapped && kind === 'cdevent' && { type: 'dev.cdevents.service.deployed.0.2.0' }),
      ...fields,
    };
    const { version } = await this.#real.recall(object);
    await this.#real.commit({ object, expect: version, entries: [entry] });
    return id;
  }

  async entry(id: string) {
    const entry = await this.#real.show(id);
    if (!entry) throw new Error(`no entry ${id}`);
    return entry;
  }

  /** Resolves when the entry has come to that state with so many attempts behind it. */
  settled(id: string, state: EntryState, attempts?: number) {
    return eventually(async () => {
      const entry = await this.entry(id);
      expect(entry).toMatchObject({ state, ...(attempts !== undefined && { attempts }) });
      return entry;
    });
  }

  async metric(name: 'deliveries' | 'attempts'): Promise<Record<string, number>> {
    const metric: Counter = this.metrics[name];
    const { values } = await metric.get();
    return Object.fromEntries(
      values.map(({ labels: { provider, outcome, code = '' }, value }) => [
        `${provider} ${outcome} ${code}`.trim(),
        value,
      ]),
    );
  }

  logged = (msg: string) => this.logs.filter((line) => line.msg.includes(msg));

  async close() {
    await this.drain(0);
    await this.#transports.close();
    await this.#real.close();
  }
}

const cleanups: (() => Promise<unknown>)[] = [];
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deliver-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An engine on a store of its own, closed after the test. @param wrap what the engine sees of the store */
export const aRig = async (
  deps?: Partial<DeliveryEngineDeps>,
  wrap: (outbox: Outbox) => Outbox = (outbox) => outbox,
) => {
  const clock = new TestClock();
  const outbox = await openSqliteOutbox({ path: join(folder, 'outbox.db'), now: clock.wall });
  const rig = new DeliveryRig(wrap(outbox), clock, deps);
  cleanups.push(() => rig.close());
  return rig;
};
/** A receiver that is closed after the test. */
export const aReceiver = async (options?: ReceiverOptions): Promise<Receiver> => {
  const receiver = await startReceiver(options);
  cleanups.push(() => receiver.close());
  return receiver;
};
