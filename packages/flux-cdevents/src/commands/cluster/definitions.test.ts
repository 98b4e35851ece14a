import { describe, expect, it } from 'vitest';
import { createDiscovery } from '../../kube-api/discovery.ts';
import type { ApiRequest, ApiResponse } from '../../kube-api/kube-client.ts';
import { definitionFindings, readDefinitions } from './definitions.ts';

const GROUP = 'notification.toolkit.fluxcd.io';
const CRD = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/providers.${GROUP}`;
const forbidden: ApiResponse = { status: 403, body: { reason: 'Forbidden', message: 'no' } };
const refused: ApiResponse = {
  status: 422,
  body: { reason: 'Invalid', message: 'spec.type: Unsupported value: "cdevents": supported values: "slack"' },
};
const versionWith = (name: string, types: readonly string[]) => ({
  name,
  schema: { openAPIV3Schema: { properties: { spec: { properties: { type: { enum: types } } } } } },
});

/** An API server that serves both versions, with these answers for what is asked besides. */
function serving(answers: Readonly<Record<string, ApiResponse>>) {
  const requests: ApiRequest[] = [];
  const kinds = [
    { name: 'alerts', kind: 'Alert' },
    { name: 'providers', kind: 'Provider' },
  ];
  const known: Readonly<Record<string, ApiResponse>> = {
    [`/apis/${GROUP}`]: { status: 200, body: { versions: [{ version: 'v1' }, { version: 'v1beta3' }] } },
    [`/apis/${GROUP}/v1`]: { status: 200, body: { resources: kinds } },
    [`/apis/${GROUP}/v1beta3`]: { status: 200, body: { resources: kinds } },
    ...answers,
  };
  const request = async (asked: ApiRequest) => {
    requests.push(asked);
    return known[asked.path] ?? { status: 404, body: {} };
  };
  return { api: { request }, requests };
}
const dryRun = (version: string) => `/apis/${GROUP}/${version}/namespaces/flux-system/providers?dryRun=All`;
const read = ({ api }: ReturnType<typeof serving>) =>
  readDefinitions(api, createDiscovery(api), { namespace: 'flux-system' });

describe('readDefinitions', () => {
  it('has every version tried, and nothing stored', async () => {
    const server = serving({ [dryRun('v1')]: { status: 201, body: {} }, [dryRun('v1beta3')]: refused });
    const { providers } = await read(server);
    expect([...providers]).toEqual([
      ['v1', 'accepted'],
      ['v1beta3', 'refused'],
    ]);
    const written = server.requests.filter(({ method = 'GET' }) => method !== 'GET');
    expect(written.map(({ path }) => path)).toEqual([dryRun('v1'), dryRun('v1beta3')]);
  });

  it('reads the definition where creating is not allowed', async () => {
    const versions = [versionWith('v1', ['slack', 'cdevents']), versionWith('v1beta3', ['slack'])];
    const server = serving({
      [dryRun('v1')]: forbidden,
      [dryRun('v1beta3')]: forbidden,
      [CRD]: { status: 200, body: { spec: { versions } } },
    });
    expect([...(await read(server)).providers.values()]).toEqual(['accepted', 'refused']);
    expect(server.requests.filter(({ path }) => path === CRD)).toHaveLength(1);
  });

  it('says that it does not know where neither is', async () => {
    const server = serving({ [dryRun('v1')]: forbidden, [dryRun('v1beta3')]: forbidden, [CRD]: forbidden });
    expect((await read(server)).providers.get('v1')).toEqual({ unknown: '403 Forbidden: no' });
  });
});

describe('definitionFindings', () => {
  it('blames the version that lacks the type', () => {
    const providers = new Map([
      ['v1', 'accepted'],
      ['v1beta3', 'refused'],
    ] as const);
    const findings = definitionFindings({ alerts: ['v1', 'v1beta3'], providers });
    expect(findings.map(({ result }) => result)).toEqual(['ok', 'ok', 'ok', 'error']);
    expect(findings.at(-1)).toMatchObject({
      issue: {
        code: 'invalid-value',
        object: { kind: 'CustomResourceDefinition', name: `providers.${GROUP}` },
        path: ['v1beta3: spec.type'],
        found: 'a list without it',
      },
      fix: expect.stringContaining('deploy/components/provider-crd'),
    });
  });

  it('needs no type for the webhook', () => {
    const providers = new Map([['v1', 'refused']] as const);
    const findings = definitionFindings({ alerts: ['v1'], providers }, { typeNeeded: false });
    expect(findings.map(({ result }) => result)).toEqual(['ok', 'ok', 'ok']);
  });

  it('misses what is not installed, and versions that are not known', () => {
    const findings = definitionFindings({ alerts: [], providers: new Map([['v2', { unknown: 'no' }]]) });
    expect(findings).toMatchObject([
      { result: 'error', issue: { code: 'not-found', found: 'none: it is not installed' } },
      { result: 'error', issue: { code: 'invalid-value', found: 'v2' } },
      { result: 'warning', issue: { code: 'unreadable', found: 'no answer: no' } },
    ]);
  });
});
