import { describe, expect, it } from 'vitest';
import { providersByName, refOf } from '../../test/helpers/providers.ts';
import { createConfiguredProviders } from './configured-providers.ts';

const ready = (fingerprint = '1', { suspend = false, timeoutMs = 1000 } = {}) => ({
  status: 'ready',
  fingerprint,
  suspend,
  endpoint: { timeoutMs },
});
const invalid = { status: 'invalid', suspend: false };
const foreign = { status: 'foreign', type: 'slack' };
const stopOf = (name: string, fingerprint = '1') => ({ provider: refOf(name), fingerprint });

const configured = (providers: Record<string, object>) => {
  const all = createConfiguredProviders();
  all.replace(providersByName(providers));
  return all;
};

describe('configured Providers', () => {
  it('block what is suspended, invalid, foreign or stopped as it is', () => {
    const providers = configured({
      'a/ready': ready(),
      'a/suspended': ready('1', { suspend: true }),
      'a/invalid': invalid,
      'a/foreign': foreign,
      'a/stopped': ready('1'),
      'a/changed': ready('2'),
    });
    providers.addStops([stopOf('a/stopped'), stopOf('a/changed')]);
    expect([...providers.blocked]).toEqual(['a/suspended', 'a/invalid', 'a/foreign', 'a/stopped']);
    const usable = [...providers.all.keys(), 'a/unknown'].filter((name) => providers.usable(name));
    expect(usable).toEqual(['a/ready', 'a/changed']);
  });

  it.each<[string, object, boolean]>([
    ['stays as it is', ready(), true],
    ['is changed', ready('2'), false],
    ['is invalid for a while', invalid, true],
    ['is foreign for a while', foreign, false],
  ])('keep or end the stop of one that %s', (_, then, kept) => {
    const providers = configured({ 'a/hub': ready() });
    providers.addStops([stopOf('a/hub')]);
    providers.replace(providersByName({ 'a/hub': then }));
    providers.replace(providersByName({ 'a/hub': ready() }));
    expect(providers.blocked.has('a/hub')).toBe(kept);
  });

  it('say what the ready ones need', () => {
    const providers = configured({
      'a/one': ready('1', { timeoutMs: 3000 }),
      'a/two': ready('2', { timeoutMs: 7000, suspend: true }),
      'a/invalid': invalid,
    });
    expect(providers).toMatchObject({ readyCount: 2, longestTimeoutMs: 7000, fingerprints: new Set(['1', '2']) });
    providers.replace(new Map());
    expect(providers).toMatchObject({ readyCount: 0, longestTimeoutMs: 0, fingerprints: new Set() });
  });

  it('remember names that are in no configuration until the next one', () => {
    const providers = configured({});
    providers.addUnknown('a/hub');
    expect([...providers.unknown]).toEqual(['a/hub']);
    providers.replace(new Map());
    expect(providers.unknown.size).toBe(0);
  });
});
