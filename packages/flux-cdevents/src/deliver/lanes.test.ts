import { describe, expect, it } from 'vitest';
import { aProvider, refOf } from '../../test/helpers/providers.ts';
import type { ResolvedProvider } from '../provider/provider.ts';
import { createConfiguredProviders } from './configured-providers.ts';
import { claimLimits, createLanes } from './lanes.ts';
import { healthy } from './provider-health.ts';

const ready = (name: string, fingerprint = '1') => aProvider({ ref: refOf(name), fingerprint });

const scene = ({ capacity = 2, concurrent = 2, names = ['a/one', 'a/two'] } = {}) => {
  const providers = createConfiguredProviders();
  const configure = (...all: ResolvedProvider[]) =>
    providers.replace(new Map(all.map((provider) => [`${provider.ref.namespace}/${provider.ref.name}`, provider])));
  configure(...names.map((name) => ready(name)));
  const lanes = createLanes(capacity, concurrent);
  return { lanes, providers, configure, lane: (name: string) => lanes.of(refOf(name), providers) };
};
const downUntil = (probeAt: number) => ({ ...healthy, failing: true, down: true, probeAt });

describe('lanes', () => {
  it('count what they hold, one by one and together', () => {
    const { lanes, lane } = scene();
    lanes.hold(lane('a/one'), 2);
    lanes.hold(lane('a/two'), 1);
    lanes.begin(lane('a/one'));
    expect(lanes).toMatchObject({ held: 3, inFlight: 1 });
    expect(lane('a/one')).toMatchObject({ held: 2, inFlight: 1 });
    lanes.end(lane('a/one'));
    lanes.hold(lane('a/one'), -2);
    expect(lanes).toMatchObject({ held: 1, inFlight: 0 });
  });

  it('are closed while they are full or down', () => {
    const { lanes, lane } = scene();
    expect([...lanes.closed()]).toEqual([]);
    lanes.hold(lane('a/one'), 2);
    lanes.setHealth(lane('a/two'), downUntil(1000));
    expect([...lanes.closed()].sort()).toEqual(['a/one', 'a/two']);
    lanes.hold(lane('a/one'), -1);
    lanes.setHealth(lane('a/two'), healthy);
    expect([...lanes.closed()]).toEqual([]);
  });

  it('are probed when their time comes, open or closed, unless so much is in flight that a probe has no place', () => {
    const { lanes, lane } = scene({ concurrent: 1 });
    expect(lanes.nextProbeAt()).toBe(Number.POSITIVE_INFINITY);
    lanes.setHealth(lane('a/one'), downUntil(1000));
    lanes.setHealth(lane('a/two'), { ...downUntil(2000), down: false });
    expect([...lanes.closed()]).toEqual(['a/one']);
    const due = (now: number) => lanes.dueProbes(now).map(({ name }) => name);
    expect([lanes.nextProbeAt(), due(999), due(1000), due(2000)]).toEqual([1000, [], ['a/one'], ['a/one', 'a/two']]);
    lanes.begin(lane('a/one'));
    expect([lanes.nextProbeAt(), due(2000)]).toEqual([2000, ['a/two']]);
    lanes.end(lane('a/one'));
    expect(lanes.nextProbeAt()).toBe(1000);
  });

  it('tell whether what to claim for them changed', () => {
    const { lanes, lane } = scene();
    const hub = lane('a/one');
    expect(lanes.setHealth(hub, { ...healthy, failing: true })).toBe(false);
    expect(lanes.setHealth(hub, downUntil(1000))).toBe(true);
    expect(lanes.setHealth(hub, { ...downUntil(1000), failures: 2 })).toBe(false);
    expect(lanes.setHealth(hub, downUntil(2000))).toBe(true);
    expect(lanes.setHealth(hub, healthy)).toBe(true);
    expect([...lanes.closed()]).toEqual([]);
  });

  it('follow the configuration: a changed Provider is tried at once, one that is gone gets nothing', () => {
    const { lanes, lane, providers, configure } = scene({
      names: ['a/same', 'a/changed', 'a/gone', 'a/gone-and-idle'],
    });
    for (const name of ['a/same', 'a/changed', 'a/gone']) {
      lanes.setHealth(lane(name), downUntil(1000));
      lanes.hold(lane(name), 1);
    }
    lane('a/gone-and-idle');
    configure(ready('a/same'), ready('a/changed', '2'));
    expect(lanes.follow(providers).map(({ name }) => name)).toEqual(['a/gone', 'a/gone-and-idle']);
    expect([...lanes.closed()]).toEqual(['a/same']);
    expect(Array.from(lanes.all(), ({ name }) => name)).toEqual(['a/same', 'a/changed', 'a/gone']);
    expect(lane('a/changed')).toMatchObject({
      provider: { fingerprint: '2' },
      health: { failing: true, down: false, probeAt: 0 },
    });
    expect(lane('a/gone').provider).toBeUndefined();
  });
});

it('closes a lane that holds as many bytes as it may', () => {
  const lanes = createLanes(10, 16, 1_000);
  const lane = lanes.of(refOf('a/hub'), scene().providers);
  lanes.hold(lane, 1, 1_200);
  expect([...lanes.closed()]).toEqual(['a/hub']);
  expect(lanes.heldBytes).toBe(1_200);
  lanes.hold(lane, -1, -1_200);
  expect([...lanes.closed()]).toEqual([]);
  expect(lanes.heldBytes).toBe(0);
});

describe('claimLimits', () => {
  it.each([
    ['nothing is held: half of the places', { held: 0, readyProviders: 2 }, { limit: 50, perProvider: 20 }],
    ['some is held: the rest of the half', { held: 30, readyProviders: 2 }, { limit: 20, perProvider: 20 }],
    ['half is held: the other half in shares', { held: 50, readyProviders: 10 }, { limit: 50, perProvider: 5 }],
    ['a share is no more than one may have', { held: 60, readyProviders: 2 }, { limit: 40, perProvider: 20 }],
    ['there are more Providers than places', { held: 60, readyProviders: 1000 }, { limit: 40, perProvider: 1 }],
    ['nothing is ready', { held: 60, readyProviders: 0 }, { limit: 40, perProvider: 20 }],
    ['all is held', { held: 100, readyProviders: 2 }, { limit: 0, perProvider: 20 }],
  ])('when %s', (_, { held, readyProviders }, expected) => {
    expect(claimLimits({ limit: 100, perProvider: 20, held, readyProviders })).toEqual(expected);
  });
});
