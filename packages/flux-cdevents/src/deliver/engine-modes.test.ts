import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aProvider, aReceiver, aRig, cdevent } from '../../test/helpers/delivery-rig.ts';
import { refOf } from '../../test/helpers/providers.ts';
import { silentLogger } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { ClaimedEntry } from '../outbox/entry.ts';
import type { Settled, Settlement } from '../outbox/work-queue.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';
import { createDeliveryEngine, type DeliveryEngineDeps } from './engine.ts';

const aClaimed = (id: string): ClaimedEntry => ({
  id,
  provider: refOf('a/hub'),
  alert: refOf('flux-system/all'),
  kind: 'cdevent',
  object: id,
  reason: 'InstallSucceeded',
  message: cdevent(id),
  state: 'delivering',
  attempts: 0,
  acceptedAt: 0,
  expiresAt: 1e15,
  leaseId: `lease of ${id}`,
  ageMs: 0,
  bytes: 500,
});

/** An engine that records what it calls. The receiver answers when the test says so, whatever is aborted meanwhile. */
const createScene = () => {
  const calls: string[] = [];
  const queue: ClaimedEntry[] = [];
  const answers: ((outcome: DeliveryOutcome) => void)[] = [];
  let ready = () => {};
  let broken = false;
  const call = async <T>(name: string, answer: T): Promise<T> => {
    calls.push(name);
    if (broken) throw new Error('disk full');
    return answer;
  };
  const outbox: DeliveryEngineDeps['outbox'] = {
    claim: () => call('claim', { entries: queue.splice(0) }),
    settle: (settlements: readonly Settlement[]) =>
      call(
        `settle ${settlements.map(({ outcome }) => outcome).join()}`,
        settlements.map((): Settled => ({ state: 'queued' })),
      ),
    wake: () => call('wake', undefined),
    stop: () => call('stop', undefined),
    resume: () => call('resume', undefined),
    stops: () => call('stops', []),
    stats: () => call('stats', []),
    replay: () => call('replay', 0),
    abandon: () => call('abandon', 0),
    expire: () => call('expire', []),
    onReady(listener) {
      ready = listener;
      return () => {
        ready = () => {};
      };
    },
  };
  const send = () => {
    calls.push('send');
    return new Promise<DeliveryOutcome>((resolve) => answers.push(resolve));
  };
  const engine = createDeliveryEngine({
    outbox,
    transports: { forProvider: () => ({ send, close: async () => {} }), retain: () => {} },
    map: () => call('map', 'committed' as const),
    logger: silentLogger(),
    metrics: createMetrics(),
    random: () => 0,
    concurrent: 1,
    sweepMs: 3_600_000,
  });
  return {
    calls,
    engine,
    configure: () => engine.configure(new Map([['a/hub', aProvider('a/hub', 'http://hub')]])),
    queue: (...ids: string[]) => void queue.push(...ids.map(aClaimed)),
    ready: () => ready(),
    answer: (outcome: DeliveryOutcome) => answers.shift()?.(outcome),
    break: () => {
      broken = true;
    },
    repair: () => {
      broken = false;
    },
  };
};
type Scene = ReturnType<typeof createScene>;

/** Long enough for what follows at once, too short for a sweep or a retry of the store. */
const SOON_MS = 100;

/** In each mode but `new` one entry is in flight; in `running` another one waits in the queue. */
const arrangements = {
  new: async ({ configure }: Scene) => {
    await configure();
  },
  running: async ({ configure, engine, queue }: Scene) => {
    await configure();
    queue('first', 'second');
    engine.start();
    await vi.advanceTimersByTimeAsync(SOON_MS);
  },
  draining: async (scene: Scene) => {
    await arrangements.running(scene);
    void scene.engine.drain(60_000);
    await vi.advanceTimersByTimeAsync(SOON_MS);
  },
  stopped: async (scene: Scene) => {
    await arrangements.running(scene);
    void scene.engine.drain(0);
    await vi.advanceTimersByTimeAsync(10_000);
  },
};

const events: Record<string, (scene: Scene) => unknown> = {
  configure: ({ configure }) => configure(),
  start: ({ engine }) => engine.start(),
  drain: ({ engine }) => void engine.drain(60_000),
  'something is ready': ({ ready }) => ready(),
  'an attempt ended': ({ answer }) => answer({ status: 'delivered', code: '202' }),
  'an attempt failed': ({ answer }) => answer({ status: 'retryable', code: '503', error: 'busy' }),
  'nothing gets through': async ({ answer, queue, ready }) => {
    queue('third', 'fourth', 'fifth');
    ready();
    for (let i = 0; i < 3; i++) {
      await vi.advanceTimersByTimeAsync(SOON_MS);
      answer({ status: 'retryable', code: '503', error: 'busy' });
    }
  },
  sweep: () => vi.advanceTimersByTimeAsync(3_600_000),
};

describe('modes', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each<[string, keyof typeof arrangements, string[]]>([
    ['configure', 'new', ['stops', 'stats']],
    ['configure', 'running', ['stops', 'stats', 'claim']],
    ['configure', 'draining', []],
    ['configure', 'stopped', []],

    ['start', 'new', ['claim']],
    ['start', 'running', []],
    ['start', 'draining', []],
    ['start', 'stopped', []],

    ['drain', 'new', []],
    ['drain', 'running', ['settle release']],
    ['drain', 'draining', []],
    ['drain', 'stopped', []],

    ['something is ready', 'new', []],
    ['something is ready', 'running', ['claim']],
    ['something is ready', 'draining', []],
    ['something is ready', 'stopped', []],

    ['an attempt ended', 'running', ['send', 'settle delivered', 'claim']],
    ['an attempt ended', 'draining', ['settle delivered']],
    ['an attempt ended', 'stopped', []],

    ['an attempt failed', 'running', ['send', 'settle retry', 'claim']],
    ['an attempt failed', 'draining', ['settle retry']],
    ['an attempt failed', 'stopped', []],

    [
      'nothing gets through',
      'running',
      [
        ...['claim', 'send', 'settle retry', 'claim'],
        ...['send', 'settle retry', 'claim'],
        ...['claim', 'settle retry,release,release', 'claim'],
      ],
    ],
    ['nothing gets through', 'draining', ['settle retry']],

    ['sweep', 'new', []],
    ['sweep', 'running', ['expire']],
    ['sweep', 'draining', []],
    ['sweep', 'stopped', []],
  ])('%s, when %s: %j', async (event, mode, expected) => {
    const scene = createScene();
    await arrangements[mode](scene);
    scene.calls.length = 0;
    await events[event]?.(scene);
    await vi.advanceTimersByTimeAsync(SOON_MS);
    expect(scene.calls).toEqual(expected);
  });

  it('ends the drain when the last attempt is settled', async () => {
    const scene = createScene();
    await arrangements.draining(scene);
    const drained = vi.fn();
    void scene.engine.drain(60_000).then(drained);
    await vi.advanceTimersByTimeAsync(SOON_MS);
    expect(drained).not.toHaveBeenCalled();
    scene.answer({ status: 'delivered', code: '202' });
    await vi.advanceTimersByTimeAsync(SOON_MS);
    expect(drained).toHaveBeenCalled();
  });

  it('ends the drain when its time is over, though an attempt does not end', async () => {
    const scene = createScene();
    await arrangements.draining(scene);
    const drained = vi.fn();
    void scene.engine.drain(60_000).then(drained);
    await vi.advanceTimersByTimeAsync(62_000);
    expect(drained).toHaveBeenCalled();
  });
});

describe('a store that is unavailable', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each<[string, keyof typeof arrangements, string[]]>([
    ['configure', 'new', ['stops']],
    ['configure', 'running', ['stops']],
    ['something is ready', 'running', []],
    ['an attempt ended', 'running', ['send', 'settle delivered']],
    ['an attempt ended', 'draining', ['settle delivered']],
    ['sweep', 'stopped', []],
  ])('%s, when %s: %j', async (event, mode, expected) => {
    const scene = createScene();
    await arrangements[mode](scene);
    scene.break();
    scene.ready();
    await vi.advanceTimersByTimeAsync(SOON_MS);
    scene.calls.length = 0;
    await events[event]?.(scene);
    await vi.advanceTimersByTimeAsync(SOON_MS);
    expect(scene.calls).toEqual(expected);
  });

  it('is tried again at growing intervals: settle, then the configuration, then claim', async () => {
    const scene = createScene();
    await arrangements.running(scene);
    scene.break();
    scene.answer({ status: 'delivered', code: '202' });
    await vi.advanceTimersByTimeAsync(SOON_MS);
    await scene.configure();
    scene.calls.length = 0;
    await vi.advanceTimersByTimeAsync(250 - SOON_MS);
    expect(scene.calls).toEqual(['settle delivered']);
    await vi.advanceTimersByTimeAsync(499);
    expect(scene.calls).toEqual(['settle delivered']);
    scene.calls.length = 0;
    scene.repair();
    await vi.advanceTimersByTimeAsync(1);
    expect(scene.calls).toEqual(['settle delivered', 'claim', 'stops', 'stats', 'claim']);
  });
});

describe('drain', () => {
  it('waits for requests in flight, and claims nothing more', async () => {
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

  it('releases entries whose attempts do not end in time', async () => {
    const receiver = await aReceiver({ answer: 'hang' });
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await receiver.received(1);
    await rig.drain(20);
    expect(await rig.entry(id)).toMatchObject({ state: 'pending', attempts: 0 });
    expect(rig.logs).toEqual([]);
  });

  it('ends at once when there is nothing to do, even before a start', async () => {
    const rig = await aRig();
    await rig.drain(60_000);
  });
});
