import { expect, it } from 'vitest';
import type { NewEntry } from '../entry.ts';
import { createPayloadCache } from './payload-cache.ts';

const anEntry = (id: string, chars = 100, more: Partial<NewEntry> = {}): NewEntry => ({
  id,
  provider: { namespace: 'flux-system', name: 'hub' },
  alert: { namespace: 'flux-system', name: 'all' },
  kind: 'cdevent',
  type: 'dev.cdevents.taskrun.finished.0.2.0',
  object: 'HelmRelease/apps/web',
  reason: 'UpgradeSucceeded',
  maxAgeMs: 1,
  source: 's'.repeat(chars),
  message: 'm'.repeat(chars),
  ...more,
});

it('gives an entry out once', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a')], [1], 0);
  expect(cache.take(1, true)).toEqual(anEntry('a'));
  expect(cache.take(1, true)).toBeUndefined();
});

it('does not keep dead letters, which nobody claims', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a', 100, { deadLetter: 'not valid' })], [1], 0);
  expect(cache.take(1, true)).toBeUndefined();
});

it('does not keep an entry that the store had already', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a'), anEntry('b')], [0, 1], 0);
  expect(cache.take(0, true)).toBeUndefined();
  expect(cache.take(1, true)).toEqual(anEntry('b'));
});

const whatIsIn = (cache: ReturnType<typeof createPayloadCache>) =>
  [1, 2, 3, 4].filter((place) => cache.take(place, true) !== undefined);

it('keeps the oldest when it is full: they are claimed first', () => {
  const cache = createPayloadCache(8_000);
  cache.add([anEntry('a', 2000), anEntry('b', 2000), anEntry('c', 2000)], [1, 2, 3], 0);
  expect(whatIsIn(cache)).toEqual([1, 2]);
  cache.add([anEntry('c', 2000)], [3], 1);
  expect(whatIsIn(cache)).toEqual([3]);
});

it('makes room when nobody claimed for a while', () => {
  const cache = createPayloadCache(8_000);
  cache.add([anEntry('a', 2000), anEntry('b', 2000)], [1, 2], 0);
  cache.add([anEntry('c', 2000)], [3], 5_000);
  cache.add([anEntry('d', 2000)], [4], 5_001);
  expect(whatIsIn(cache)).toEqual([4]);
});

it('replaces what it has of a place, even when it is full', () => {
  const cache = createPayloadCache(8_000);
  cache.add([anEntry('a', 2000), anEntry('b', 2000), anEntry('c', 2000)], [1, 2, 3], 0);
  cache.add([anEntry('d', 9000)], [2], 1);
  cache.add([anEntry('e', 2000)], [1], 1);
  expect(cache.take(2, true)).toEqual(anEntry('d', 9000));
  expect(cache.take(1, true)).toBeUndefined();
});

it('drops an entry whose message the store dropped', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a')], [1], 0);
  expect(cache.take(1, false)).toBeUndefined();
  expect(cache.take(1, true)).toBeUndefined();
});
