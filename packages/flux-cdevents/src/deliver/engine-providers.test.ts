import { describe, expect, it } from 'vitest';
import { aProvider, aReceiver, aRig, cdevent } from '../../test/helpers/delivery-rig.ts';
import { eventually } from '../../test/helpers/eventually.ts';
import { refOf } from '../../test/helpers/providers.ts';
import { createLogger } from '../observe/log.ts';
import type { ReadyProvider, ResolvedProvider } from '../provider/provider.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';

describe('a Provider', () => {
  it('is stopped by 410 until it is changed, even after a restart', async () => {
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
  ])('that is %s has its queue turned into dead letters', async (_, after, error) => {
    const receiver = await aReceiver({ answer: 503 });
    const rig = await aRig();
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await rig.settled(id, 'pending', 1);
    await rig.configure(...after);
    expect((await rig.settled(id, 'dead-letter')).lastError).toContain(error);
    expect(rig.logged('dead letters')).toMatchObject([{ provider: 'a/hub', count: 1, error }]);
  });

  it('that is deleted during an attempt has a dead letter, whatever the outcome', async () => {
    const sent = Promise.withResolvers<void>();
    const outcome = Promise.withResolvers<DeliveryOutcome>();
    const send = () => {
      sent.resolve();
      return outcome.promise;
    };
    const lines: string[] = [];
    const rig = await aRig({
      transports: { forProvider: () => ({ send, close: async () => {} }), retain: () => {} },
      logger: createLogger({ level: 'debug', encoding: 'json' }, { write: (line) => void lines.push(line) }),
    });
    await rig.start(aProvider('a/hub', 'http://127.0.0.1:9'));
    const id = await rig.add('a/hub');
    await sent.promise;
    await rig.configure();
    outcome.resolve({ status: 'delivered', code: '202' });
    await eventually(() => expect(lines.join()).toContain('lease lost'));
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

  it('that is not configured yet gets its events once it is', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    await rig.start();
    const id = await rig.add('a/hub');
    await rig.configure(aProvider('a/hub', receiver.url));
    await rig.settled(id, 'delivered', 1);
  });

  it('that is never configured has its events turned into dead letters after a while', async () => {
    const rig = await aRig({ sweepMs: 20 });
    await rig.start();
    await rig.settled(await rig.add('a/hub'), 'dead-letter');
  });

  it('that is suspended for too long lets its events expire', async () => {
    const rig = await aRig({ sweepMs: 20 });
    await rig.start({ ...aProvider('a/hub', 'http://127.0.0.1:9'), suspend: true });
    const id = await rig.add('a/hub', { maxAgeMs: 1000 });
    rig.advance(60_000);
    await rig.settled(id, 'dead-letter');
    await eventually(() => expect(rig.logged('dead letter')).toMatchObject([{ id }]));
  });

  it('that is created soon after its first events gets them, although they were dead letters', async () => {
    const receiver = await aReceiver();
    const rig = await aRig();
    rig.map = async ({ id, leaseId, object, provider, alert, reason }) => {
      const mapped = { id: `${id}-mapped`, kind: 'cdevent', type: 'dev.cdevents.x', maxAgeMs: 1000 } as const;
      const { version } = await rig.outbox.recall(object);
      const entries = [{ ...mapped, provider, alert, object, reason, message: cdevent('mapped') }];
      await rig.outbox.commit({ object, expect: version, entries, replaces: { id, leaseId } });
      return 'committed';
    };
    await rig.start();
    const unmapped = { mapped: false, deadLetter: 'Provider a/hub does not exist' };
    const old = await rig.add('a/hub', unmapped);
    rig.advance(11 * 60_000);
    const recent = await rig.add('a/hub', unmapped);
    const refused = await rig.add('a/hub', { deadLetter: 'refused' });
    await rig.configure(aProvider('a/hub', receiver.url));
    await rig.settled(`${recent}-mapped`, 'delivered');
    await rig.settled(old, 'dead-letter');
    await rig.settled(refused, 'dead-letter');
    expect(receiver.requests).toHaveLength(1);
  });
});
