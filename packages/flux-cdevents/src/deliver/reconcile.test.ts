import { describe, expect, it } from 'vitest';
import { providersByName, refOf } from '../../test/helpers/providers.ts';
import type { ProviderStats } from '../outbox/inspection.ts';
import { abandonedQueues, providerChanges } from './reconcile.ts';

const ready = (fingerprint = '1') => ({ status: 'ready', fingerprint, suspend: false });
const invalid = { status: 'invalid', suspend: false };
const foreign = { status: 'foreign', type: 'slack' };
const names = (refs: readonly { namespace: string; name: string }[]) =>
  refs.map(({ namespace, name }) => `${namespace}/${name}`);

describe('providerChanges', () => {
  it('finds the Providers that changed, and those that arrived', () => {
    const before = providersByName({
      'a/same': ready(),
      'a/changed': ready(),
      'a/mended': invalid,
      'a/broken': ready(),
    });
    const after = providersByName({
      'a/same': ready(),
      'a/changed': ready('2'),
      'a/mended': ready(),
      'a/broken': invalid,
      'a/new': ready(),
      'a/new-and-broken': invalid,
      'a/new-and-foreign': foreign,
    });
    const { changed, arrived } = providerChanges(before, after, [], true);
    expect(names(changed)).toEqual(['a/changed', 'a/mended']);
    expect(names(arrived)).toEqual(['a/new', 'a/new-and-broken']);
  });

  it('ends the stops of Providers that changed or went', () => {
    const stops = ['a/same', 'a/changed', 'a/gone', 'a/foreign', 'a/invalid'].map((name) => ({
      provider: refOf(name),
      fingerprint: '1',
      reason: '',
    }));
    const providers = providersByName({
      'a/same': ready(),
      'a/changed': ready('2'),
      'a/foreign': foreign,
      'a/invalid': invalid,
    });
    const { resumed, stopped } = providerChanges(providers, providers, stops, true);
    expect(names(resumed)).toEqual(['a/changed', 'a/gone', 'a/foreign']);
    expect(names(stopped.map(({ provider }) => provider))).toEqual(['a/same', 'a/invalid']);
    // what cannot be read for the moment may still be stopped
    expect(names(providerChanges(providers, providers, stops, false).resumed)).toEqual(['a/changed', 'a/foreign']);
  });
});

describe('abandonedQueues', () => {
  const stats = (name: string, counts: Partial<ProviderStats['counts']>): ProviderStats => ({
    provider: refOf(name),
    counts: { waiting: 0, pending: 0, delivering: 0, delivered: 9, 'dead-letter': 0, ...counts },
  });
  it('names the queues that nobody works on', () => {
    const providers = providersByName({ 'a/ready': ready(), 'a/invalid': invalid, 'a/foreign': foreign });
    const all = [
      stats('a/ready', { pending: 1 }),
      stats('a/invalid', { pending: 1 }),
      stats('a/foreign', { pending: 1 }),
      stats('a/gone', { pending: 1 }),
      stats('a/gone-unmapped', { waiting: 1 }),
      stats('a/gone-in-flight', { delivering: 1 }),
      stats('a/done', { 'dead-letter': 3 }),
    ];
    expect(abandonedQueues(all, providers, true).map(({ error }) => error)).toEqual([
      'Provider a/foreign was changed to type slack',
      'Provider a/gone was deleted',
      'Provider a/gone-unmapped was deleted',
      'Provider a/gone-in-flight was deleted',
    ]);
    // while a part of the configuration is unknown, nobody knows that a Provider was deleted
    expect(abandonedQueues(all, providers, false).map(({ error }) => error)).toEqual([
      'Provider a/foreign was changed to type slack',
    ]);
  });
});
