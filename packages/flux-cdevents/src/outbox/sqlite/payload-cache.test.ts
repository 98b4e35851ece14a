import { expect, it } from 'vitest';
import { anEntry } from '../contract/fixtures.ts';
import type { NewEntry } from '../entry.ts';
import { createPayloadCache } from './payload-cache.ts';

const ofLength = (id: string, chars: number): NewEntry =>
  anEntry(id, { source: 's'.repeat(chars), message: 'm'.repeat(chars) });

it('gives an entry out once', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a')], [1], 0);
  expect(cache.take(1, true)).toEqual(anEntry('a'));
  expect(cache.take(1, true)).toBeUndefined();
});

it('does not keep dead letters, which nobody claims', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a', { deadLetter: 'not valid' })], [1], 0);
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
  cache.add([ofLength('a', 2000), ofLength('b', 2000), ofLength('c', 2000)], [1, 2, 3], 0);
  expect(whatIsIn(cache)).toEqual([1, 2]);
  cache.add([ofLength('c', 2000)], [3], 1);
  expect(whatIsIn(cache)).toEqual([3]);
});

it('makes room when nobody claimed for a while', () => {
  const cache = createPayloadCache(8_000);
  cache.add([ofLength('a', 2000), ofLength('b', 2000)], [1, 2], 0);
  cache.add([ofLength('c', 2000)], [3], 5_000);
  cache.add([ofLength('d', 2000)], [4], 5_001);
  expect(whatIsIn(cache)).toEqual([4]);
});

it('replaces what it has of a place, even when it is full', () => {
  const cache = createPayloadCache(8_000);
  cache.add([ofLength('a', 2000), ofLength('b', 2000), ofLength('c', 2000)], [1, 2, 3], 0);
  cache.add([ofLength('d', 9000)], [2], 1);
  cache.add([ofLength('e', 2000)], [1], 1);
  expect(cache.take(2, true)).toEqual(ofLength('d', 9000));
  expect(cache.take(1, true)).toBeUndefined();
});

it('drops an entry whose message the store dropped', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a')], [1], 0);
  expect(cache.take(1, false)).toBeUndefined();
  expect(cache.take(1, true)).toBeUndefined();
});
