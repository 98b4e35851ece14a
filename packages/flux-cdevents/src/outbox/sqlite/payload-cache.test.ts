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
  cache.add([anEntry('a')]);
  expect(cache.take('a')).toEqual(anEntry('a'));
  expect(cache.take('a')).toBeUndefined();
});

it('does not keep dead letters, which nobody claims', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a', 100, { deadLetter: 'not valid' })]);
  expect(cache.take('a')).toBeUndefined();
});

it('lets the oldest go when all together are too large', () => {
  const cache = createPayloadCache(10_000);
  cache.add([anEntry('a', 2000), anEntry('b', 2000), anEntry('c', 2000)]);
  expect(['a', 'b', 'c'].map((id) => cache.take(id) !== undefined)).toEqual([false, true, true]);
});

it('forgets everything when texts may have changed', () => {
  const cache = createPayloadCache();
  cache.add([anEntry('a')]);
  cache.clear();
  expect(cache.take('a')).toBeUndefined();
});
