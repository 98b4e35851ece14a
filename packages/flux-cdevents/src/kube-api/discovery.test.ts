import { describe, expect, it } from 'vitest';
import { isApiVersion, isObjectName, resourcePath } from './discovery.ts';

describe('resourcePath', () => {
  it.each([
    ['v1', 'secrets', 'apps', '/api/v1/namespaces/apps/secrets'],
    ['helm.toolkit.fluxcd.io/v2', 'helmreleases', undefined, '/apis/helm.toolkit.fluxcd.io/v2/helmreleases'],
    ['apps/v1', 'deployments', 'a', '/apis/apps/v1/namespaces/a/deployments'],
  ])('%s %s in %s', (apiVersion, resource, namespace, path) =>
    expect(resourcePath({ apiVersion, resource }, namespace)).toBe(path),
  );
});

it.each(['a', 'a.b-c', 'system:discovery', 'a?b#c d'])('%s may be a name', (name) =>
  expect(isObjectName(name)).toBe(true),
);
it.each(['', '.', '..', 'a/b', '%2e%2e', 'a'.repeat(254)])('%s is not a name', (name) =>
  expect(isObjectName(name)).toBe(false),
);

it.each(['v1', 'apps/v1', 'helm.toolkit.fluxcd.io/v2beta1'])('%s may be a version', (text) =>
  expect(isApiVersion(text)).toBe(true),
);
it.each(['', 'v1/namespaces/a/secrets/b', '../api/v1', 'v1?x', 'a//v1', '/v1', 'apps/v1#'])(
  '%s is no version',
  (text) => expect(isApiVersion(text)).toBe(false),
);
