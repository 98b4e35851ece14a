import { describe, expect, it } from 'vitest';
import { aProvider, aReceiver, aRig } from '../../test/helpers/delivery-rig.ts';
import { eventually } from '../../test/helpers/eventually.ts';
import { FluxCDEventsError } from '../errors.ts';
import type { Outbox } from '../outbox/outbox.ts';

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

  it('is retried, and logged once', async () => {
    const receiver = await aReceiver();
    const state = { broken: true };
    const rig = await aRig({}, failing(['stops', 'claim', 'settle'], state));
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await eventually(() => expect(rig.logged('outbox is unavailable')).toHaveLength(1));
    state.broken = false;
    await rig.settled(id, 'delivered', 1);
    expect(rig.logs.map(({ level, msg }) => [level, msg])).toEqual([
      ['error', 'the outbox is unavailable; retrying'],
      ['info', 'the outbox is available again'],
    ]);
  });

  it('records later what was delivered in the meantime', async () => {
    const receiver = await aReceiver();
    const state = { broken: false };
    const rig = await aRig({}, failing(['claim', 'settle'], state));
    receiver.answer(() => {
      state.broken = true;
      return 202;
    });
    await rig.start(aProvider('a/hub', receiver.url));
    const id = await rig.add('a/hub');
    await eventually(() => expect(rig.logged('outbox is unavailable')).toHaveLength(1));
    expect(await rig.entry(id)).toMatchObject({ state: 'delivering' });
    state.broken = false;
    await rig.settled(id, 'delivered', 1);
    expect(receiver.requests).toHaveLength(1);
  });

  it('is reconciled with a newer configuration after it recorded the deliveries', async () => {
    const receiver = await aReceiver();
    const state = { broken: false };
    const rig = await aRig({}, failing(['claim', 'settle', 'stops'], state));
    receiver.answer(() => {
      state.broken = true;
      return 202;
    });
    const hub = aProvider('a/hub', receiver.url);
    await rig.start(hub, { ...aProvider('a/other', receiver.url), suspend: true });
    const waiting = await rig.add('a/other');
    const id = await rig.add('a/hub');
    await eventually(() => expect(rig.logged('outbox is unavailable')).toHaveLength(1));
    await rig.configure(hub);
    state.broken = false;
    await rig.settled(id, 'delivered', 1);
    expect((await rig.settled(waiting, 'dead-letter')).lastError).toContain('Provider a/other was deleted');
  });
});
