import { expect, it } from 'vitest';
import type { ServedResource } from '../../kube-api/discovery.ts';
import { locateNotification, readAlert, readProvider } from './notification-objects.ts';

const apiVersion = 'notification.toolkit.fluxcd.io/v1';
const aProvider = (spec: object) => ({ apiVersion, kind: 'Provider', metadata: { namespace: 'a', name: 'hub' }, spec });
const good = aProvider({ type: 'cdevents', address: 'http://hub' });
const broken = aProvider({ type: 'cdevents', timeout: 5 });

it('keeps what an object said when it was last good', () => {
  const first = readProvider(good, undefined);
  expect(first).toMatchObject({ good: { spec: { address: 'http://hub' } }, issues: [] });
  const second = readProvider(broken, first);
  expect(second.good).toBe(first.good);
  expect(second.issues).toMatchObject([{ path: ['spec', 'timeout'] }]);
  expect(second).not.toHaveProperty('invalid');
  expect(readProvider(good, second)).toMatchObject({ issues: [] });
});

it('has a stand-in for a Provider that never was good', () => {
  expect(readProvider(broken, undefined)).toMatchObject({
    good: undefined,
    invalid: { status: 'invalid', type: 'cdevents', ref: { namespace: 'a', name: 'hub' } },
  });
});

it('has none for an Alert', () => {
  const reading = readAlert(
    { apiVersion, kind: 'Alert', metadata: { namespace: 'a', name: 'all' }, spec: {} },
    undefined,
  );
  expect(reading.good).toBeUndefined();
  expect(reading.issues.map(({ path }) => path)).toEqual([
    ['spec', 'providerRef'],
    ['spec', 'eventSources'],
  ]);
});

it.each<[string, Record<string, readonly string[]>, string | undefined]>([
  ['Flux 2.10', { v1: ['Alert', 'Provider'], v1beta3: ['Alert', 'Provider'] }, 'v1'],
  ['Flux 2.9, whose Receiver alone is v1', { v1: ['Receiver'], v1beta3: ['Alert', 'Provider'] }, 'v1beta3'],
  ['Flux 2.0', { v1: ['Receiver'], v1beta2: ['Alert', 'Provider'], v1beta1: ['Alert'] }, 'v1beta2'],
  ['an upgrade that did not come to Alerts yet', { v1: ['Provider'], v1beta3: ['Alert', 'Provider'] }, 'v1beta3'],
  ['versions that nobody here knows', { v1beta1: ['Alert'], v2: ['Alert'] }, undefined],
  ['no Flux', {}, undefined],
])('finds Alerts of %s', async (_, served, version) => {
  const group = 'notification.toolkit.fluxcd.io';
  const found = await locateNotification(
    {
      versions: async () => Object.keys(served),
      resources: async (asked) =>
        served[asked.split('/')[1] ?? '']?.map(
          (kind): ServedResource => ({ apiVersion: asked, kind, resource: `${kind.toLowerCase()}s` }),
        ),
    },
    'Alert',
  );
  expect(found?.apiVersion).toBe(version && `${group}/${version}`);
});
