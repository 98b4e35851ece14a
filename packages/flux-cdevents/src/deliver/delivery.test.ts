import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Counter } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Receiver, type ReceiverOptions, startReceiver } from '../../test/helpers/receiver.ts';
import { FluxCDEventsError } from '../errors.ts';
import { nameOf, parseName } from '../flux/object-ref.ts';
import { createLogger } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { ClaimedEntry, EntryState, NewEntry } from '../outbox/entry.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { openSqliteOutbox } from '../outbox/sqlite/sqlite-outbox.ts';
import type { Endpoint, ProviderOptions, ReadyProvider, ResolvedProvider } from '../provider/provider.ts';
import { createTransports } from '../transport/create-transports.ts';
import { createDelivery, type DeliveryDeps, type ProviderChange } from './delivery.ts';

const refOf = (name: string) => parseName(name) ?? { namespace: '', name };

const cdevent = (id: string) =>
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

const aProvider = (
  name: string,
  address: string,
  {
    options,
    endpoint,
    ...provider
  }: Partial<Omit<ReadyProvider, 'endpoint' | 'options'>> & {
    options?: Partial<ProviderOptions>;
    endpoint?: Partial<Endpoint>;
  } = {},
): ReadyProvider => ({
  status: 'ready',
  ref: refOf(name),
  type: 'cdevents',
  suspend: false,
  fingerprint: `${name} 1`,
  ...provider,
  options: {
    specVersion: '0.4',
    preset: 'rfc',
    unmapped: 'skip',
    contentMode: 'binary',
    maxAgeMs: 86_400_000,
    ordering: 'object',
    unchanged: 'skip',
    ...options,
  },
  endpoint: { address, addressIsSecret: false, timeoutMs: 10_000, headers: {}, secrets: [], ...endpoint },
});

/** Delivery on a real outbox and real connections; only the clock is set by the test. */
class Rig {
  readonly outbox: Outbox;
  readonly reports: ProviderChange[] = [];
  readonly logs: { level: string; msg: string; [field: string]: unknown }[] = [];
  readonly metrics = createMetrics();
  readonly mapped: string[] = [];
  map: (entry: ClaimedEntry) => Promise<void> = async () => {};
  readonly #real: Outbox;
  readonly #transports = createTransports({ env: {} });
  readonly #delivery;
  readonly #listeners = new Set<() => void>();
  #offset = 0;
  #count = 0;

  constructor(outbox: Outbox, deps: Partial<DeliveryDeps> = {}) {
    this.#real = outbox;
    this.outbox = {
      ...outbox,
      onReady: (listener) => {
        this.#listeners.add(listener);
        return outbox.onReady(listener);
      },
    };
    this.#delivery = createDelivery({
      outbox: this.outbox,
      transports: this.#transports,
      map: (entry) => this.map(entry),
      logger: createLogger(
        { level: 'info', encoding: 'json' },
        { write: (line) => void this.logs.push(JSON.parse(line)) },
      ),
      metrics: this.metrics,
      now: this.now,
      random: () => 0,
      report: (change) => void this.reports.push(change),
      ...deps,
    });
  }

  now = () => Date.now() + this.#offset;

  /** Moves the clock on, and has the outbox looked at as a timer would. */
  advance(ms: number) {
    this.#offset += ms;
    for (const listener of this.#listeners) listener();
  }

  configure(...providers: ResolvedProvider[]) {
    return this.#delivery.configure(new Map(providers.map((provider) => [nameOf(provider.ref), provider])));
  }

  async start(...providers: ResolvedProvider[]) {
    await this.configure(...providers);
    this.#delivery.start();
  }

  drain = (timeoutMs: number) => this.#delivery.drain(timeoutMs);

  /** Accepts an event for a Provider. @returns the entry's id */
  async add(provider: string, fields: Partial<NewEntry> = {}): Promise<string> {
    this.#count += 1;
    const { id = `e${this.#count}`, object = `o${this.#count}` } = fields;
    const entry: NewEntry = {
      id,
      provider: refOf(provider),
      alert: refOf('flux-system/all'),
      orderingKey: object,
      type: 'dev.cdevents.service.deployed.0.2.0',
      object,
      reason: 'InstallSucceeded',
      expiresAt: this.now() + 86_400_000,
      source: '{}',
      message: cdevent(id),
      ...fields,
    };
    const { version } = await this.#real.recall(object);
    await this.#real.commit({ object, expect: version, entries: [entry], at: this.now() });
    return id;
  }

  async entry(id: string) {
    const { entries } = await this.#real.list({ ids: [id] }, { limit: 1 });
    const [entry] = entries;
    if (!entry) throw new Error(`no entry ${id}`);
    return entry;
  }

  /** Resolves when the entry has come to that state with so many attempts behind it. */
  settled(id: string, state: EntryState, attempts?: number) {
    return vi.waitFor(
      async () => {
        const entry = await this.entry(id);
        expect(entry).toMatchObject({ state, ...(attempts !== undefined && { attempts }) });
        return entry;
      },
      { interval: 5, timeout: 5000 },
    );
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

const aRig = async (deps?: Partial<DeliveryDeps>, wrap: (outbox: Outbox) => Outbox = (outbox) => outbox) => {
  const rig = new Rig(wrap(await openSqliteOutbox({ path: join(folder, 'outbox.db') })), deps);
  cleanups.push(() => rig.close());
  return rig;
};
const aReceiver = async (options?: ReceiverOptions): Promise<Receiver> => {
  const receiver = await startReceiver(options);
  cleanups.push(() => receiver.close());
  return receiver;
};
const idsAt = (receiver: Receiver) => receiver.requests.map(({ headers }) => headers['ce-id']);

describe('delivery', () => {
  it('brings what was accepted before and after the start to its receiver', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    const before = await rig.add('a/hub', { partitionKey: 'uid' });
    await rig.start(aProvider('a/hub', receiver.url));
    const after = await rig.add('a/hub');
    await rig.settled(before, 'delivered', 1);
    await rig.settled(after, 'delivered', 1);
    expect(receiver.requests[0]?.headers['ce-partitionkey']).toBe('uid');
    expect(await rig.metric('deliveries')).toEqual({ 'hub delivered': 2 });
    expect(await rig.metric('attempts')).toEqual({ 'hub delivered 202': 2 });
    expect(rig.logs).toEqual([]);
    expect(rig.reports).toEqual([]);
  });

  it('sends a Flux event as it is', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    await rig.start(aProvider('a/raw', receiver.url, { type: 'generic' }));
    await rig.add('a/raw', { type: 'flux', message: '{"reportingController":"x"}' });
    expect((await receiver.received(1))[0]).toMatchObject({
      body: '{"reportingController":"x"}',
      headers: { 'gotk-component': 'x' },
    });
  });

  it('retries until the receiver recovers, and tells of both once', async () => {
    const receiver = await aReceiver();
    receiver.next(503, 503);
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    expect(await rig.settled(id, 'pending', 1)).toMatchObject({ lastError: 'answered 503 Service Unavailable' });
    rig.advance(1000);
    await rig.settled(id, 'pending', 2);
    rig.advance(1000);
    await rig.settled(id, 'pending', 2); // 2 s after the second failure
    rig.advance(1000);
    await rig.settled(id, 'delivered', 3);
    expect(receiver.requests).toHaveLength(3);
    expect(rig.reports).toEqual([
      {
        provider: refOf('a/hub'),
        alert: refOf('flux-system/all'),
        state: 'failing',
        error: 'answered 503 Service Unavailable',
      },
      { provider: refOf('a/hub'), alert: refOf('flux-system/all'), state: 'recovered' },
    ]);
    expect(rig.logs.map(({ level, msg }) => [level, msg])).toEqual([
      ['error', 'Provider does not deliver'],
      ['info', 'Provider delivers again'],
    ]);
  });

  it('wakes by itself when a retry falls due', async () => {
    const receiver = await aReceiver();
    receiver.next(503);
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await rig.settled(id, 'delivered', 2);
  });

  it('keeps the order of an object over retries, and lets others pass', async () => {
    const receiver = await aReceiver({ answer: ({ headers }) => (headers['ce-id'] === 'first' && fail ? 503 : 202) });
    let fail = true;
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    await rig.add('a/hub', { id: 'first', object: 'one' });
    await rig.add('a/hub', { id: 'second', object: 'one' });
    await rig.add('a/hub', { id: 'third', object: 'one' });
    await rig.add('a/hub', { id: 'other', object: 'two' });
    await rig.settled('other', 'delivered');
    await rig.settled('first', 'pending', 1);
    fail = false;
    rig.advance(2000);
    await rig.settled('third', 'delivered');
    expect(idsAt(receiver).filter((id) => id !== 'other')).toEqual(['first', 'first', 'second', 'third']);
  });

  it.each([
    [400, 'answered 400 Bad Request'],
    [301, 'answered 301 Moved Permanently; redirects are not followed'],
  ])('makes a dead letter of what is answered with %i', async (status, error) => {
    const receiver = await aReceiver({ answer: status });
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub', { object: 'one' });
    const next = await rig.add('a/hub', { object: 'one' });
    expect(await rig.settled(id, 'dead-letter', 1)).toMatchObject({ lastError: error });
    await rig.settled(next, 'dead-letter', 1); // the rest of the object is not held up
    expect(rig.logged('dead letter')).toMatchObject([
      {
        level: 'error',
        provider: 'a/hub',
        id,
        type: 'dev.cdevents.service.deployed.0.2.0',
        object: 'one',
        reason: 'InstallSucceeded',
        error,
      },
      { id: next },
    ]);
    expect(await rig.metric('deliveries')).toEqual({ 'hub dead-letter': 2 });
    expect(rig.reports).toMatchObject([{ state: 'failing', error }]);
  });

  it('waits as long as Retry-After asks for, with everything for that receiver', async () => {
    const receiver = await aReceiver();
    receiver.next({ status: 429, retryAfter: '30' });
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    const { dueAt = 0 } = await rig.settled(id, 'pending', 1);
    expect(dueAt - rig.now()).toBeGreaterThan(25_000);
    const other = await rig.add('a/hub');
    rig.advance(20_000);
    expect(await rig.entry(other)).toMatchObject({ state: 'pending', attempts: 0 });
    rig.advance(10_000);
    await rig.settled(other, 'delivered', 1);
    await rig.settled(id, 'delivered', 2);
  });

  it.each([
    ['closes connections', 'close', 'connection closed before an answer came'],
    ['hangs', 'hang', 'no answer within 150 ms'],
  ] as const)('retries when the receiver %s', async (_, answer, error) => {
    const receiver = await aReceiver();
    receiver.next(answer);
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url, { endpoint: { timeoutMs: 150 } }));
    const id = await rig.add('a/hub');
    expect((await rig.settled(id, 'pending', 1)).lastError).toContain(error);
    rig.advance(1500);
    await rig.settled(id, 'delivered', 2);
  });

  it('makes a last attempt when an entry expires, then a dead letter', async () => {
    const receiver = await aReceiver({ answer: 503 });
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    const expiresAt = rig.now() + 100_000;
    const id = await rig.add('a/hub', { expiresAt });
    for (let attempts = 1; attempts <= 6; attempts++) {
      await rig.settled(id, 'pending', attempts);
      rig.advance(2 ** attempts * 500);
    }
    expect(await rig.settled(id, 'pending', 7)).toMatchObject({ dueAt: expiresAt });
    rig.advance(expiresAt - rig.now());
    expect(await rig.settled(id, 'dead-letter', 8)).toMatchObject({
      lastError: 'not delivered within its max-age, after 8 attempts; last error: answered 503 Service Unavailable',
    });
  });

  it('does not let a receiver that hangs delay another', async () => {
    const hanging = await aReceiver({ answer: 'hang' });
    const receiver = await aReceiver();
    const rig = await aRig({ concurrent: 4, limit: 40 });
    for (let i = 0; i < 100; i++) await rig.add('a/hanging');
    await rig.start(aProvider('a/hanging', hanging.url), aProvider('a/hub', receiver.url));
    await hanging.received(4);
    const ids = [];
    for (let i = 0; i < 50; i++) ids.push(await rig.add('a/hub'));
    for (const id of ids) await rig.settled(id, 'delivered', 1);
    expect(hanging.requests).toHaveLength(4);
  });

  it('lets many receivers that hang hold no more than half of the places', async () => {
    const hanging = await aReceiver({ answer: 'hang' });
    const receiver = await aReceiver();
    const rig = await aRig({ concurrent: 4, limit: 20 });
    const names = Array.from({ length: 10 }, (_, i) => `a/hanging-${i}`);
    for (const name of names) for (let i = 0; i < 20; i++) await rig.add(name);
    await rig.start(...names.map((name) => aProvider(name, hanging.url)), aProvider('a/hub', receiver.url));
    await hanging.received(4);
    const ids = [];
    for (let i = 0; i < 20; i++) ids.push(await rig.add('a/hub'));
    for (const id of ids) await rig.settled(id, 'delivered', 1);
  });

  it('rests when a receiver is down, and catches up at once when it is back', async () => {
    const receiver = await aReceiver({ answer: 503 });
    const rig = await aRig({ concurrent: 2 });
    const ids = [];
    for (let i = 0; i < 30; i++) ids.push(await rig.add('a/hub'));
    await rig.start(aProvider('a/hub', receiver.url));
    const resting = () =>
      vi.waitFor(async () => expect((await rig.outbox.stats())[0]?.counts.delivering).toBe(0), { interval: 5 });
    await receiver.received(2);
    await resting();
    expect(receiver.requests.length).toBeLessThan(4); // the others did not run against the closed door
    for (let i = 0; i < 6; i++) {
      const tried = receiver.requests.length;
      rig.advance(30_000);
      await receiver.received(tried + 1);
      await resting();
      expect(receiver.requests).toHaveLength(tried + 1); // one probe
    }
    receiver.answer(202);
    rig.advance(30_000);
    for (const id of ids) await rig.settled(id, 'delivered');
    expect(rig.reports.map(({ state }) => state)).toEqual(['failing', 'recovered']);
  });
});

describe('a Provider', () => {
  it('is stopped by 410, over a restart too, until it is changed', async () => {
    const receiver = await aReceiver({ answer: 410 });
    const provider = aProvider('a/hub', receiver.url);
    let rig = await aRig();
    await rig.start(provider);
    const id = await rig.add('a/hub');
    await rig.settled(id, 'dead-letter', 1);
    expect(rig.reports).toMatchObject([{ state: 'stopped', error: 'answered 410 Gone' }]);
    expect(rig.logged('stopped')).toHaveLength(1);
    const waiting = await rig.add('a/hub');
    rig.advance(60_000);
    await rig.close();

    receiver.answer(202);
    rig = await aRig();
    await rig.start(provider);
    rig.advance(60_000);
    await rig.configure(provider);
    expect(await rig.entry(waiting)).toMatchObject({ state: 'pending', attempts: 0 });
    await rig.configure({ ...provider, fingerprint: '2' });
    await rig.settled(waiting, 'delivered', 1);
    expect(receiver.requests).toHaveLength(2);
    expect(await rig.outbox.stops()).toEqual([]);
  });

  it('with a wrong Secret is tried slowly, and at once when the Secret is changed', async () => {
    const receiver = await aReceiver({ answer: ({ headers }) => (headers.authorization === 'new' ? 202 : 401) });
    const provider = aProvider('a/hub', receiver.url, { endpoint: { authorization: 'old' } });
    const rig = await aRig();
    await rig.start(provider);
    const id = await rig.add('a/hub');
    const { dueAt = 0 } = await rig.settled(id, 'pending', 1);
    expect(dueAt - rig.now()).toBeGreaterThan(200_000);
    await rig.configure(aProvider('a/hub', receiver.url, { endpoint: { authorization: 'new' }, fingerprint: '2' }));
    await rig.settled(id, 'delivered', 2);
  });

  it.each<[string, (provider: ReadyProvider) => ResolvedProvider]>([
    ['suspended', (provider) => ({ ...provider, suspend: true, fingerprint: 'suspended' })],
    ['invalid', ({ ref, type }) => ({ status: 'invalid', ref, type, suspend: false, issues: [] })],
  ])('that is %s keeps its queue, and delivers it later', async (_, change) => {
    const receiver = await aReceiver();
    const provider = aProvider('a/hub', receiver.url);
    const rig = await aRig();
    await rig.start(change(provider), aProvider('a/other', receiver.url));
    const id = await rig.add('a/hub');
    await rig.settled(await rig.add('a/other'), 'delivered');
    expect(await rig.entry(id)).toMatchObject({ state: 'pending', attempts: 0 });
    await rig.configure(provider);
    await rig.settled(id, 'delivered', 1);
  });

  it.each<[string, ResolvedProvider[], string]>([
    ['deleted', [], 'Provider a/hub was deleted'],
    [
      'foreign',
      [{ status: 'foreign', ref: refOf('a/hub'), type: 'slack' }],
      'Provider a/hub was changed to type slack',
    ],
  ])('that is %s has its queue made dead letters', async (_, after, error) => {
    const receiver = await aReceiver({ answer: 503 });
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await rig.settled(id, 'pending', 1);
    await rig.configure(...after);
    expect((await rig.settled(id, 'dead-letter')).lastError).toContain(error);
    expect(rig.logged('dead letters')).toMatchObject([{ provider: 'a/hub', count: 1, error }]);
  });

  it('that is deleted during an attempt has a dead letter, whatever the attempt comes to', async () => {
    const receiver = await aReceiver({ answer: { status: 202, delayMs: 50 } });
    const rig = await aRig({
      logger: createLogger({ level: 'debug', encoding: 'json' }, { write: (line) => void lines.push(line) }),
    });
    const lines: string[] = [];
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await receiver.received(1);
    await rig.configure();
    await vi.waitFor(() => expect(lines.join()).toContain('lease lost'));
    await rig.settled(id, 'dead-letter');
    expect(await rig.metric('deliveries')).toEqual({ 'hub dead-letter': 1 });
  });

  it('whose Transport throws loses nothing', async () => {
    const fail = () => {
      throw new Error('no such file');
    };
    const rig = await aRig({ transports: { forProvider: fail, retain: () => {} } });
    await rig.start(aProvider('a/hub', 'http://127.0.0.1:9'));
    expect(await rig.settled(await rig.add('a/hub'), 'pending', 1)).toMatchObject({ lastError: 'no such file' });
  });

  it('that is not known yet gets its events when it is', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    await rig.start();
    const id = await rig.add('a/hub');
    await rig.configure(aProvider('a/hub', receiver.url));
    await rig.settled(id, 'delivered', 1);
  });

  it('that is never known has its events made dead letters after a while', async () => {
    const rig = await aRig({ sweepMs: 20 });
    await rig.start();
    await rig.settled(await rig.add('a/hub'), 'dead-letter');
  });

  it('that is suspended for too long lets its events expire', async () => {
    const rig = await aRig({ sweepMs: 20 });
    await rig.start({ ...aProvider('a/hub', 'http://127.0.0.1:9'), suspend: true });
    const id = await rig.add('a/hub', { expiresAt: rig.now() + 1000 });
    rig.advance(60_000);
    await rig.settled(id, 'dead-letter');
    await vi.waitFor(() => expect(rig.logged('dead letter')).toMatchObject([{ id }]));
  });
});

describe('an entry that waits to be mapped', () => {
  const unmapped = { message: undefined, type: 'unmapped' } as unknown as Partial<NewEntry>;

  it('is mapped, and what comes of it delivered', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    rig.map = async (entry) => {
      const { id, leaseId, object, acceptedAt: _, ...rest } = entry;
      const mapped = { ...rest, id: `${id}-mapped`, object, type: 'dev.cdevents.x', message: cdevent('mapped') };
      const { version } = await rig.outbox.recall(object);
      await rig.outbox.expand({ id, leaseId, object, expect: version, entries: [mapped], at: rig.now() });
    };
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub', unmapped);
    await rig.settled(`${id}-mapped`, 'delivered');
    expect(idsAt(receiver)).toEqual(['mapped']);
  });

  it('becomes a dead letter when it cannot be mapped', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    rig.map = async () => {
      throw new Error('subject.content: expected an environment');
    };
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub', unmapped);
    expect(await rig.settled(id, 'dead-letter')).toMatchObject({
      lastError: 'subject.content: expected an environment',
    });
    expect(rig.logged('dead letter')).toMatchObject([{ id }]);
    expect(rig.reports).toEqual([]);
  });
});

describe('batches', () => {
  const batched = (receiver: Receiver) => aProvider('a/hub', receiver.url, { options: { contentMode: 'batched' } });
  const idsIn = ({ body }: { body: string }) => (JSON.parse(body) as { id: string }[]).map(({ id }) => id);

  it('carry what is claimed together', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    const ids = [];
    for (let i = 0; i < 60; i++) ids.push(await rig.add('a/hub'));
    await rig.start(batched(receiver));
    for (const id of ids) await rig.settled(id, 'delivered', 1);
    expect(receiver.requests.flatMap(idsIn).sort()).toEqual(ids.sort());
    expect(receiver.requests.map((request) => idsIn(request).length).sort()).toEqual([10, 50]);
  });

  it('are sent one by one when one entry spoils them', async () => {
    const receiver = await aReceiver({ answer: ({ body }) => (body.includes('"bad"') ? 422 : 202) });
    const rig = await aRig();
    for (const id of ['a', 'bad', 'b']) await rig.add('a/hub', { id });
    await rig.start(batched(receiver));
    await rig.settled('bad', 'dead-letter', 1);
    await rig.settled('a', 'delivered', 1);
    await rig.settled('b', 'delivered', 1);
    expect(receiver.requests.map(idsIn).sort()).toEqual([['a'], ['a', 'bad', 'b'], ['b'], ['bad']].sort());
  });
});

describe('drain', () => {
  it('lets what is in flight end, and takes nothing more', async () => {
    const receiver = await aReceiver({ answer: { status: 202, delayMs: 100 } });
    const rig = await aRig({ concurrent: 1 });
    for (const id of ['a', 'b', 'c']) await rig.add('a/hub', { id });
    await rig.start(aProvider('a/hub', receiver.url));
    await receiver.received(1);
    await rig.drain(5000);
    expect(await rig.entry('a')).toMatchObject({ state: 'delivered' });
    expect(await rig.entry('b')).toMatchObject({ state: 'pending', attempts: 0 });
    expect(receiver.requests).toHaveLength(1);
  });

  it('gives back what does not end in time', async () => {
    const receiver = await aReceiver({ answer: 'hang' });
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await receiver.received(1);
    await rig.drain(20);
    expect(await rig.entry(id)).toMatchObject({ state: 'pending', attempts: 0 });
    expect(rig.logs).toEqual([]);
  });

  it('ends at once when there is nothing to do, before a start too', async () => {
    const rig = await aRig();
    await rig.drain(60_000);
  });
});

describe('a store that fails', () => {
  const failing = (methods: (keyof Outbox)[], state: { broken: boolean }) => (outbox: Outbox) => {
    const wrapped: Record<string, unknown> = { ...outbox };
    for (const method of methods) {
      wrapped[method] = (...args: unknown[]) =>
        state.broken
          ? Promise.reject(new FluxCDEventsError('FCE_STORE_UNAVAILABLE', 'disk full'))
          : (outbox[method] as (...args: unknown[]) => unknown)(...args);
    }
    return wrapped as unknown as Outbox;
  };

  it('is tried again, and is told of once', async () => {
    const receiver = await aReceiver();
    const state = { broken: true };
    const rig = await aRig({}, failing(['stops', 'claim', 'settle'], state));
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await vi.waitFor(() => expect(rig.logged('cannot be used')).toHaveLength(1));
    state.broken = false;
    await rig.settled(id, 'delivered', 1);
    expect(rig.logs.map(({ level, msg }) => [level, msg])).toEqual([
      ['error', 'the outbox cannot be used; trying again'],
      ['info', 'the outbox can be used again'],
    ]);
  });

  it('learns later what was delivered meanwhile', async () => {
    const receiver = await aReceiver();
    const state = { broken: false };
    const rig = await aRig({}, failing(['claim', 'settle'], state));
    receiver.answer(() => {
      state.broken = true;
      return 202;
    });
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await vi.waitFor(() => expect(rig.logged('cannot be used')).toHaveLength(1));
    expect(await rig.entry(id)).toMatchObject({ state: 'delivering' });
    state.broken = false;
    await rig.settled(id, 'delivered', 1);
    expect(receiver.requests).toHaveLength(1);
  });
});
