import { describe, expect, it } from 'vitest';
import {
  type CDEvent,
  cloudEventsFromHttp,
  fromCloudEvent,
  fromHttp,
  parse,
  toCloudEvent,
  toHttp,
  validate,
  validateCloudEvent,
} from '../src/index.ts';
import { aCDEvent, aCustomEvent, everyEvent } from './helpers/samples.ts';

function expectRoundTrips(event: CDEvent): void {
  const before = structuredClone(event);
  expect(validate(event)).toEqual([]);
  expect(parse(JSON.stringify(event))).toEqual(before);
  expect(fromCloudEvent(toCloudEvent(event))).toEqual(before);
  for (const mode of ['binary', 'structured', 'batched'] as const) {
    const message = toHttp(event, { mode, extensions: { partitionkey: 'uid-1' } });
    expect(fromHttp(message)).toEqual([before]);
    const [cloudEvent] = cloudEventsFromHttp(message);
    expect(cloudEvent?.partitionkey).toBe('uid-1');
    expect(cloudEvent && validateCloudEvent(cloudEvent)).toEqual([]);
  }
  expect(event).toEqual(before);
}

describe('every event of every version, in every content mode', () => {
  it.each(everyEvent)('$name of $specVersion', ({ name, specVersion }) => {
    expectRoundTrips(aCDEvent(name, specVersion));
    expectRoundTrips(aCDEvent(name, specVersion, false));
  });

  it.each(['0.4', '0.5'] as const)('a custom event of %s', (specVersion) => {
    expectRoundTrips(aCustomEvent(specVersion));
  });

  it('all of them in one batch', () => {
    const events = everyEvent.map(({ name, specVersion }) => aCDEvent(name, specVersion));
    expect(fromHttp(toHttp(events, { mode: 'batched' }))).toEqual(events);
  });
});
