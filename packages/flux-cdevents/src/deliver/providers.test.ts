import { describe, expect, it } from 'vitest';
import { parseName } from '../flux/object-ref.ts';
import type { ProviderStats } from '../outbox/outbox.ts';
import type { ResolvedProvider } from '../provider/provider.ts';
import { abandonedQueues, blockedProviders, changedProviders, endedStops } from './providers.ts';

const refOf = (name: string) => parseName(name) ?? { namespace: '', name: '' };
const map = (providers: Record<string, object>) =>
  new Map(
    Object.entries(providers).map(([name, fields]) => [name, { ref: refOf(name), ...fields } as ResolvedProvider]),
  );
const ready = (fingerprint = '1', suspend = false) => ({ status: 'ready', fingerprint, suspend });
const invalid = { status: 'invalid', suspend: false };
const foreign = { status: 'foreign', type: 'slack' };
const names = (refs: { namespace: string; name: string }[]) =>
  refs.map(({ namespace, name }) => `${namespace}/${name}`);

it('blocks what is suspended, invalid, foreign or stopped as it is', () => {
  const providers = map({
    'a/ready': ready(),
    'a/suspended': ready('1', true),
    'a/invalid': invalid,
    'a/foreign': foreign,
    'a/stopped': ready('1'),
    'a/changed': ready('2'),
  });
  const stopped = new Map([
    ['a/stopped', '1'],
    ['a/changed', '1'],
  ]);
  expect([...blockedProviders(providers, stopped)]).toEqual(['a/suspended', 'a/invalid', 'a/foreign', 'a/stopped']);
});

it('finds the Providers that changed', () => {
  const before = map({ 'a/same': ready(), 'a/changed': ready(), 'a/mended': invalid, 'a/broken': ready() });
  const after = map({
    'a/same': ready(),
    'a/changed': ready('2'),
    'a/mended': ready(),
    'a/broken': invalid,
    'a/new': ready(),
  });
  expect(names(changedProviders(before, after))).toEqual(['a/changed', 'a/mended']);
});

it('ends the stops of Providers that changed or went', () => {
  const stops = ['a/same', 'a/changed', 'a/gone', 'a/foreign', 'a/invalid'].map((name) => ({
    provider: refOf(name),
    fingerprint: '1',
    reason: '',
    at: 0,
  }));
  const providers = map({ 'a/same': ready(), 'a/changed': ready('2'), 'a/foreign': foreign, 'a/invalid': invalid });
  expect(names(endedStops(stops, providers))).toEqual(['a/changed', 'a/gone', 'a/foreign']);
});

describe('abandonedQueues', () => {
  const stats = (name: string, pending: number, dead = 0): ProviderStats => ({
    provider: refOf(name),
    counts: { pending, delivering: 0, delivered: 9, 'dead-letter': dead },
  });
  it('names the queues that nobody works on', () => {
    const providers = map({ 'a/ready': ready(), 'a/invalid': invalid, 'a/foreign': foreign });
    const all = [
      stats('a/ready', 1),
      stats('a/invalid', 1),
      stats('a/foreign', 1),
      stats('a/gone', 1),
      stats('a/done', 0, 3),
    ];
    expect(abandonedQueues(all, providers).map(({ error }) => error)).toEqual([
      'Provider a/foreign was changed to type slack',
      'Provider a/gone was deleted',
    ]);
  });
});
