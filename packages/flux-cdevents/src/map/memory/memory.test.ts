import { describe, expect, it } from 'vitest';
import { aKustomizationEvent } from '../../../test/helpers/flux-events.ts';
import { createSequentialConverter } from '../sequential-converter.ts';
import { describeChange } from './describe-change.ts';
import { type ObjectMemory, parseMemory, providerMemory, serialiseMemory, withProviderMemory } from './memory.ts';

const hub = { namespace: 'flux-system', name: 'hub' };
const announced = { revision: 'a', at: 0 };

describe('the memory of an object', () => {
  it('has a part for each Provider and environment', () => {
    const memory = withProviderMemory({}, hub, 'prod', { announced });
    expect(memory).toEqual({ notified: { 'flux-system/hub prod': { announced } } });
    expect(providerMemory(memory, hub, 'prod')).toEqual({ announced });
    expect(providerMemory(memory, hub, 'staging')).toEqual({});
  });

  it('is empty until a Provider is notified', () => {
    expect(withProviderMemory({}, hub, 'prod', {})).toEqual({});
  });

  it('is not written when nothing changed', () => {
    const text = serialiseMemory({ notified: { x: { announced } } }, undefined);
    expect(parseMemory(text)).toEqual({ notified: { x: { announced } } });
    expect(serialiseMemory(parseMemory(text), text)).toBeUndefined();
    expect(serialiseMemory({}, undefined)).toBeUndefined();
  });

  it('is read as version 1 of the store wrote it', () => {
    const chain = { id: 'c', kind: 'rollout' };
    expect(parseMemory(JSON.stringify({ chain, told: { x: { announced } } }))).toEqual({
      chain,
      notified: { x: { announced } },
    });
  });
});

it('forgets an announcement after a failure that sent nothing', () => {
  const memories = new Map<string, ObjectMemory>();
  const options = { specVersion: '0.4', preset: 'none', unmapped: 'skip', unchanged: 'skip' } as const;
  const convert = createSequentialConverter(options, {}, memories);
  const success = aKustomizationEvent({ revision: 'a', commitStatus: true });
  const failure = aKustomizationEvent({ reason: 'HealthCheckFailed', severity: 'error', revision: 'a' });
  const changes = [success, failure, success].map((event) => {
    const { before, result } = convert(event);
    return [result.skipped, ...describeChange(before, result.memory)];
  });
  expect(changes).toEqual([
    ['unmapped', 'revision a was announced'],
    ['unmapped', 'revision a will be announced again, because something changed or failed'],
    ['unmapped', 'revision a was announced'],
  ]);
});
