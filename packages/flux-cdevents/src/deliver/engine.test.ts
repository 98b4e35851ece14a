import { describe, expect, it } from 'vitest';
import { aProvider, aReceiver, aRig, cdevent } from '../../test/helpers/delivery-rig.ts';
import { eventually } from '../../test/helpers/eventually.ts';
import { refOf } from '../../test/helpers/providers.ts';
import type { Receiver } from '../../test/helpers/receiver.ts';
import type { ClaimedEntry, NewEntry } from '../outbox/entry.ts';
import type { EventStore } from '../outbox/event-store.ts';

const idsAt = (receiver: Receiver) => receiver.requests.map(({ headers }) => headers['ce-id']);

/** Numbers in [0, 1), the same in every run. */
const pseudoRandom = (seed = 1) => {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
};

describe('delivery', () => {
  it('delivers entries accepted before and after the start', async () => {
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
    await rig.add('a/raw', { kind: 'flux', message: '{"reportingController":"x"}' });
    expect((await receiver.received(1))[0]).toMatchObject({
      body: '{"reportingController":"x"}',
      headers: { 'gotk-component': 'x' },
    });
  });

  it('retries until the receiver recovers, and reports failure and recovery once', async () => {
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
    rig.runClock();
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await rig.settled(id, 'delivered', 2);
  });

  it('keeps the order of an object over retries, and does not delay other objects', async () => {
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
  ])('turns an entry that is answered with %i into a dead letter', async (status, error) => {
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

  it.each([
    ['longer than the backoff', '600', 590_000],
    ['shorter than the backoff', '1', 1000],
  ])('delays an entry as long as its Retry-After asks, %s, and no other object', async (_, retryAfter, least) => {
    const receiver = await aReceiver({
      answer: ({ headers }) => (headers['ce-id'] === 'one' ? { status: 503, retryAfter } : 202),
    });
    const rig = await aRig();
    const one = await rig.add('a/hub', { id: 'one', object: 'one' });
    const second = await rig.add('a/hub', { object: 'one' });
    const others = [];
    for (let i = 0; i < 39; i++) others.push(await rig.add('a/hub'));
    await rig.start(aProvider('a/hub', receiver.url));
    for (const id of others) await rig.settled(id, 'delivered', 1);
    const { dueAt = 0 } = await rig.settled(one, 'pending', 1);
    expect(dueAt - rig.now()).toBeGreaterThan(least - 1000);
    expect(await rig.entry(second)).toMatchObject({ state: 'pending', attempts: 0 });
    receiver.answer(202);
    rig.advance(least);
    await rig.settled(await rig.add('a/hub'), 'delivered', 1);
    rig.advance(10_000);
    await rig.settled(one, 'delivered', 2);
    await rig.settled(second, 'delivered', 1);
  });

  it.each([
    ['closes connections', 'close', 10_000, 'connection closed before an answer came'],
    ['hangs', 'hang', 1_000, 'no answer within 1 s'],
  ] as const)('retries when the receiver %s', async (_, answer, timeoutMs, error) => {
    const receiver = await aReceiver();
    receiver.next(answer);
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url, { endpoint: { timeoutMs } }));
    const id = await rig.add('a/hub');
    expect((await rig.settled(id, 'pending', 1)).lastError).toContain(error);
    rig.advance(1500);
    await rig.settled(id, 'delivered', 2);
  });

  it('makes a last attempt when an entry expires, then a dead letter', async () => {
    const receiver = await aReceiver({ answer: 503 });
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub', { maxAgeMs: 100_000 });
    const { expiresAt } = await rig.entry(id);
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

  it('lets hanging receivers hold at most half of the places', async () => {
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

  it('delivers everything to a receiver that refuses nine of ten requests, at the pace of its retries', async () => {
    const refuses = pseudoRandom();
    const receiver = await aReceiver({ answer: () => (refuses() < 0.9 ? 500 : 202) });
    const rig = await aRig();
    for (let i = 0; i < 100; i++) await rig.add('a/hub', { object: `o${i % 20}` });
    const startedAt = rig.now();
    await rig.start(aProvider('a/hub', receiver.url));
    const state = async () => {
      const [stats] = await rig.outbox.stats();
      return { delivered: stats?.counts.delivered, requests: receiver.requests.length, at: rig.now() };
    };
    // moves the clock on whenever everything that was due has been attempted
    for (let before = await state(); before.delivered !== 100; ) {
      const next = await eventually(async () => {
        expect((await rig.outbox.stats())[0]?.counts.delivering).toBe(0);
        return state();
      });
      if (next.requests === before.requests) rig.advance(1000);
      before = next;
    }
    expect(receiver.requests.length / 100).toBeLessThan(12); // 10 is what chance asks for
    // five events of one object take 50 attempts on average, each 1 s after the other
    expect((rig.now() - startedAt) / 1000).toBeLessThan(300);
    expect(rig.reports.length).toBeLessThan(10);
  }, 60_000);

  it('probes a receiver that is down, and catches up at once when it recovers', async () => {
    const receiver = await aReceiver({ answer: 503 });
    const rig = await aRig({ concurrent: 2 });
    const ids = [];
    for (let i = 0; i < 30; i++) ids.push(await rig.add('a/hub'));
    await rig.start(aProvider('a/hub', receiver.url));
    const resting = () => eventually(async () => expect((await rig.outbox.stats())[0]?.counts.delivering).toBe(0));
    await receiver.received(6);
    await resting();
    expect(receiver.requests.length).toBeLessThan(8); // the others did not run against the closed door
    for (let i = 0; i < 6; i++) {
      const tried = receiver.requests.length;
      rig.advance(5000);
      await receiver.received(tried + 1);
      await resting();
      expect(receiver.requests).toHaveLength(tried + 1); // one probe
    }
    receiver.answer(202);
    rig.advance(5000);
    for (const id of ids) await rig.settled(id, 'delivered');
    expect(rig.reports.map(({ state }) => state)).toEqual(['failing', 'recovered']);
  });

  it.each([
    ['waits', 'until they are due', 1, 599_000],
    ['does not wait', 'when nothing else gets through', 3, 5000],
  ])('%s for entries that were asked to wait %s', async (_, __, count, ms) => {
    const receiver = await aReceiver({ answer: { status: 503, retryAfter: '600' } });
    const rig = await aRig();
    const ids = [];
    for (let i = 0; i < count; i++) ids.push(await rig.add('a/hub'));
    const other = await aReceiver();
    await rig.start(aProvider('a/hub', receiver.url), aProvider('a/other', other.url));
    for (const id of ids) await rig.settled(id, 'pending', 1);
    receiver.answer(202);
    rig.advance(ms - 1000);
    await rig.settled(await rig.add('a/other'), 'delivered'); // the outbox was looked at
    expect(receiver.requests).toHaveLength(count);
    rig.advance(2000);
    for (const id of ids) await rig.settled(id, 'delivered', 2);
  });

  it('probes with an entry that is mapped first', async () => {
    const receiver = await aReceiver({ answer: 503 });
    const rig = await aRig({ concurrent: 1 });
    rig.map = async ({ id, leaseId, object, provider, alert, reason }) => {
      const mapped = { id: `${id}-mapped`, kind: 'cdevent', type: 'dev.cdevents.x', maxAgeMs: 1e9 } as const;
      const { version } = await rig.outbox.recall(object);
      const entries = [{ ...mapped, provider, alert, object, reason, message: cdevent('mapped') }];
      await rig.outbox.commit({ object, expect: version, entries, replaces: { id, leaseId } });
      return 'committed';
    };
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push(await rig.add('a/hub'));
    await rig.start(aProvider('a/hub', receiver.url));
    for (const id of ids) await rig.settled(id, 'pending', 1);
    const unmapped = await rig.add('a/hub', { mapped: false });
    receiver.answer(202);
    rig.advance(5000);
    await rig.settled(`${unmapped}-mapped`, 'delivered');
  });

  it('sends further probes while one hangs', async () => {
    const receiver = await aReceiver({ answer: 503 });
    const rig = await aRig({ concurrent: 4 });
    for (let i = 0; i < 30; i++) await rig.add('a/hub');
    await rig.start(aProvider('a/hub', receiver.url));
    await eventually(async () => {
      expect(receiver.requests.length).toBeGreaterThanOrEqual(12);
      expect((await rig.outbox.stats())[0]?.counts.delivering).toBe(0);
    });
    const tried = receiver.requests.length;
    receiver.next('hang');
    rig.advance(5000);
    await receiver.received(tried + 1);
    receiver.answer(202);
    rig.advance(5000);
    await eventually(async () => {
      expect((await rig.outbox.stats())[0]?.counts).toMatchObject({ delivered: 29, delivering: 1 });
    });
  });
});

describe('an entry that waits to be mapped', () => {
  /** Puts an entry with a message in the place of one that has none. */
  const commitMapped = async (outbox: EventStore, entry: ClaimedEntry) => {
    const { id, leaseId, object, provider, alert, reason } = entry;
    const mapped: NewEntry = {
      id: `${id}-mapped`,
      provider,
      alert,
      kind: 'cdevent',
      type: 'dev.cdevents.x',
      object,
      reason,
      maxAgeMs: 1000,
      message: cdevent('mapped'),
    };
    const { version } = await outbox.recall(object);
    await outbox.commit({ object, expect: version, entries: [mapped], replaces: { id, leaseId } });
    return 'committed' as const;
  };

  it('is mapped, and the result is delivered', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    rig.map = (entry) => commitMapped(rig.outbox, entry);
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub', { mapped: false });
    await rig.settled(`${id}-mapped`, 'delivered');
    expect(idsAt(receiver)).toEqual(['mapped']);
  });

  it('returns to the queue when its Provider is not ready, and is mapped later', async () => {
    const receiver = await aReceiver();
    const rig = await aRig({ limit: 1 });
    const claimed: ClaimedEntry[] = [];
    rig.map = async (entry) => {
      claimed.push(entry);
      return claimed.length === 1 ? 'not-ready' : commitMapped(rig.outbox, entry);
    };
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub', { mapped: false });
    await rig.settled(`${id}-mapped`, 'delivered');
    expect(claimed).toMatchObject([
      { id, attempts: 0 },
      { id, attempts: 0 },
    ]);
  });

  it('becomes a dead letter when it cannot be mapped', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    rig.map = async () => {
      throw new Error('subject.content: expected an environment');
    };
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub', { mapped: false });
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

  it('carry entries that were claimed together', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    const ids = [];
    for (let i = 0; i < 60; i++) ids.push(await rig.add('a/hub'));
    await rig.start(batched(receiver));
    for (const id of ids) await rig.settled(id, 'delivered', 1);
    expect(receiver.requests.flatMap(idsIn).sort()).toEqual(ids.sort());
    expect(receiver.requests.map((request) => idsIn(request).length).sort()).toEqual([10, 50]);
  });

  it('are split into single entries when they are rejected', async () => {
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
