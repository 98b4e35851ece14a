import { describe, expect, it } from 'vitest';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { aProvider, refOf } from '../../test/helpers/providers.ts';
import type { FluxEvent } from '../flux/event.ts';
import { readEntrySource } from './entry-source.ts';
import { type Destination, entriesOf } from './event-entries.ts';

/** An event that counts how often it is serialised. */
function aCountedEvent(overrides: Parameters<typeof aFluxEvent>[0] = {}) {
  const plain = aFluxEvent(overrides);
  const count = { serialised: 0 };
  const toJSON = () => {
    count.serialised += 1;
    return plain;
  };
  const event: FluxEvent = Object.defineProperty({ ...plain }, 'toJSON', { value: toJSON });
  return { event, plain, count };
}

const aDestination = (name: string, overrides: Parameters<typeof aProvider>[0] = {}): Destination => {
  const provider = refOf(`flux-system/${name}`);
  return {
    alert: refOf('flux-system/all'),
    metadata: { to: name },
    provider,
    resolved: aProvider({ ref: provider, ...overrides }),
  };
};

describe('the event in the sources of its entries', () => {
  it('is serialised once for all destinations', async () => {
    const { event, plain, count } = aCountedEvent();
    const missing = { ...aDestination('missing'), resolved: undefined };
    const destinations = [aDestination('hub'), aDestination('raw', { type: 'generic' }), missing];
    const { entries } = await entriesOf(event, destinations, undefined, {});
    expect(entries.map((entry) => readEntrySource(entry))).toEqual([
      { event: plain, metadata: { to: 'hub' }, chainId: expect.any(String), explanation: expect.anything() },
      { event: plain, metadata: { to: 'raw' }, chainId: expect.any(String) },
      { event: plain, metadata: { to: 'missing' }, chainId: expect.any(String) },
    ]);
    expect(count.serialised).toBe(1);
  });

  it('is not serialised when there are none', async () => {
    const { event, count } = aCountedEvent({ reason: 'NoRuleMapsThis' });
    const { entries, skipped } = await entriesOf(event, [aDestination('hub')], undefined, {});
    expect(entries).toEqual([]);
    expect(skipped).toMatchObject([{ reason: 'unmapped' }]);
    expect(count.serialised).toBe(0);
  });
});
