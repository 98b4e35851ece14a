import { expect, it } from 'vitest';
import type { NewEntry } from '../entry.ts';
import { createPayloadCache } from './payload-cache.ts';

const anEntry = (id: string, chars = 100, more: Partial<NewEntry> = {}): NewEntry => ({
  id,
  provider: { namespace: 'flux-system', name: 'hub' },
  alert: { namespace: 'flux-system', name: 'all' },
  type: 'dev.cdevents.taskrun.finished.0.2.0',
  object: 'HelmRelease/apps/web',
  reason: 'UpgradeSucceeded',
  expiresAt: 1,
  source: 's'.repeat(chars),
  message: 'm'.repeat(chars),
  ...more,
});

it('gives an entry out once', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a')], 0);
  expect(cache.take('a')).toEqual(anEntry('a'));
  expect(cache.take('a')).toBeUndefined();
});

it('does not keep dead letters, which nobody claims', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a', 100, { deadLetter: 'not valid' })], 0);
  expect(cache.take('a')).toBeUndefined();
});

const whatIsIn = (cache: ReturnType<typeof createPayloadCache>) =>
  ['a', 'b', 'c', 'd'].filter((id) => cache.take(id) !== undefined);

it('keeps the oldest when it is full: they are claimed first', () => {
  const cache = createPayloadCache(8_000);
  cache.add([anEntry('a', 2000), anEntry('b', 2000), anEntry('c', 2000)], 0);
  expect(whatIsIn(cache)).toEqual(['a', 'b']);
  cache.add([anEntry('c', 2000)], 1);
  expect(whatIsIn(cache)).toEqual(['c']);
});

it('makes room when nobody claimed for a while', () => {
  const cache = createPayloadCache(8_000);
  cache.add([anEntry('a', 2000), anEntry('b', 2000)], 0);
  cache.add([anEntry('c', 2000)], 5_000);
  cache.add([anEntry('d', 2000)], 5_001);
  expect(whatIsIn(cache)).toEqual(['d']);
});

it('forgets everything when texts may have changed', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a')], 0);
  cache.clear();
  expect(cache.take('a')).toBeUndefined();
});
