import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Alert } from '../../flux/alert.ts';
import { EVENT_SOURCE_KINDS } from '../../flux/crd-enums.ts';
import type { ApiRequest } from '../../kube-api/kube-client.ts';
import { manifestsFolder } from '../manifests.ts';
import { resourceOfKind } from './kinds.ts';
import {
  neededPermissions,
  type Permission,
  permissionFindings,
  reviewPermissions,
  type Verdict,
} from './permissions.ts';

const account = { namespace: 'flux-system', name: 'flux-cdevents' };
const alertOf = (...kinds: string[]): Alert => ({
  metadata: { namespace: 'apps', name: 'all' },
  spec: {
    providerRef: { name: 'hub' },
    eventSources: kinds.map((kind) => ({ kind, name: '*', matchLabels: { team: 'one' } })),
  },
});

describe('neededPermissions', () => {
  it('are all granted by the manifests', () => {
    const role = parse(readFileSync(join(manifestsFolder(), 'base/cluster-role.yaml'), 'utf8')) as {
      rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
    };
    const isGranted = ({ group, resource, verbs }: Permission) =>
      role.rules.some(
        (rule) =>
          rule.apiGroups.includes(group) &&
          rule.resources.includes(resource) &&
          verbs.every((verb) => rule.verbs.includes(verb)),
      );
    const needed = neededPermissions([alertOf(...EVENT_SOURCE_KINDS)], { tokenReview: false });
    expect(needed).toHaveLength(5 + EVENT_SOURCE_KINDS.length);
    expect(needed.filter((permission) => !isGranted(permission))).toEqual([]);
  });

  it('ask for kinds that are selected by label, and for token reviews where they are used', () => {
    const plain: Alert = {
      ...alertOf('Bucket'),
      spec: { providerRef: { name: 'hub' }, eventSources: [{ kind: 'Bucket', name: '*' }] },
    };
    const resources = (alerts: Alert[], tokenReview: boolean) =>
      neededPermissions(alerts, { tokenReview }).map(({ resource }) => resource);
    expect(resources([plain], false)).not.toContain('buckets');
    expect(resources([alertOf('ImagePolicy', 'ImagePolicy', 'HelmRelese')], true).slice(5)).toEqual([
      'imagepolicies',
      'tokenreviews',
    ]);
  });
});

it('resourceOfKind knows every kind of the definition', () => {
  expect(EVENT_SOURCE_KINDS.filter((kind) => !resourceOfKind(kind))).toEqual([]);
  expect(resourceOfKind('GitRepository')).toEqual({ group: 'source.toolkit.fluxcd.io', resource: 'gitrepositories' });
});

const secrets: Permission = {
  group: '',
  resource: 'secrets',
  verbs: ['get'],
  manifest: 'deploy/base/cluster-role.yaml',
};

describe('reviewPermissions', () => {
  const asking = (username: string) => {
    const asked: ApiRequest[] = [];
    const request = async (one: ApiRequest) => {
      asked.push(one);
      if (one.path.endsWith('/selfsubjectreviews'))
        return { status: 201, body: { status: { userInfo: { username } } } };
      return { status: 201, body: { status: { allowed: true } } };
    };
    return { api: { request }, asked };
  };

  it('asks for the ServiceAccount by its name and its groups', async () => {
    const { api, asked } = asking('admin');
    const reviewed = await reviewPermissions(api, [secrets], { account, namespace: 'apps' });
    expect(reviewed).toEqual([{ permission: secrets, verdicts: ['allowed'] }]);
    expect(asked[1]).toMatchObject({
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      body: {
        spec: {
          user: 'system:serviceaccount:flux-system:flux-cdevents',
          groups: ['system:serviceaccounts', 'system:serviceaccounts:flux-system', 'system:authenticated'],
          resourceAttributes: { group: '', resource: 'secrets', verb: 'get', namespace: 'apps' },
        },
      },
    });
  });

  it('asks for itself when that is who it is', async () => {
    const { api, asked } = asking('system:serviceaccount:flux-system:flux-cdevents');
    await reviewPermissions(api, [secrets], { account });
    expect(asked[1]?.path).toBe('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews');
  });
});

describe('permissionFindings', () => {
  const events: Permission = { ...secrets, resource: 'events', verbs: ['create', 'patch'] };
  const of = (...verdicts: Verdict[]) => permissionFindings([{ permission: events, verdicts }], { account });

  it('names verb, resource and the manifest that grants it', () => {
    expect(of('allowed', 'allowed')).toEqual([
      { area: 'permissions', result: 'ok', text: 'flux-system/flux-cdevents may create, patch events' },
    ]);
    expect(of('allowed', 'denied')).toEqual([
      {
        area: 'permissions',
        result: 'error',
        issue: {
          code: 'forbidden',
          severity: 'error',
          object: { kind: 'ServiceAccount', ...account },
          path: ['events'],
          expected: 'permission to create, patch',
          found: 'none to patch',
        },
        fix: expect.stringContaining('deploy/base/cluster-role.yaml'),
      },
    ]);
  });

  it('says once that nobody may ask', () => {
    const unknown = { unknown: '403 Forbidden' };
    expect(of(unknown, unknown)).toMatchObject([
      { result: 'warning', issue: { code: 'unreadable', path: ['permissions'], found: 'no answer: 403 Forbidden' } },
    ]);
  });
});
