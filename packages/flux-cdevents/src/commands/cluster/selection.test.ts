import { describe, expect, it } from 'vitest';
import type { Alert } from '../../flux/alert.ts';
import type { ApiRequest, ApiResponse } from '../../kube-api/kube-client.ts';
import { readSelections, type Selects, selectionFindings } from './selection.ts';

const alertOf = (...eventSources: Alert['spec']['eventSources']): Alert => ({
  metadata: { namespace: 'apps', name: 'all' },
  spec: { providerRef: { name: 'hub' }, eventSources },
});
const releases = { kind: 'HelmRelease', name: '*' };
const discovery = {
  versions: async () => ['v2'],
  resources: async (apiVersion: string) => [{ apiVersion, resource: 'helmreleases', kind: 'HelmRelease' }],
};
const PATH = '/apis/helm.toolkit.fluxcd.io/v2/namespaces/apps/helmreleases';

async function selects(source: Alert['spec']['eventSources'][number], answer: ApiResponse) {
  const asked: ApiRequest[] = [];
  const request = async (one: ApiRequest) => {
    asked.push(one);
    return answer;
  };
  const [selection] = await readSelections({ request }, discovery, [alertOf(source, source)]);
  return { answer: selection?.selects[0], asked };
}

describe('readSelections', () => {
  it('asks once for the metadata of one object', async () => {
    const source = { ...releases, matchLabels: { team: 'one', tier: 'web' } };
    const { answer, asked } = await selects(source, { status: 200, body: { items: [{}] } });
    expect(answer).toBe(true);
    expect(asked).toMatchObject([
      {
        path: `${PATH}?limit=1&labelSelector=team%3Done%2Ctier%3Dweb`,
        accept: expect.stringContaining('PartialObject'),
      },
    ]);
  });

  it.each<[string, ApiResponse, Selects]>([
    ['is there', { status: 200, body: { metadata: { labels: { team: 'one' } } } }, true],
    ['has other labels', { status: 200, body: { metadata: { labels: { team: 'two' } } } }, false],
    ['is not there', { status: 404, body: {} }, false],
    ['may not be read', { status: 403, body: { reason: 'Forbidden' } }, { unknown: '403 Forbidden' }],
  ])('gets an object that is named and %s', async (_, response, expected) => {
    const source = { kind: 'HelmRelease', name: 'podinfo', matchLabels: { team: 'one' } };
    const { answer, asked } = await selects(source, response);
    expect(answer).toEqual(expected);
    expect(asked[0]?.path).toBe(`${PATH}/podinfo`);
  });

  it('selects nothing of a kind that there is not', async () => {
    const body = { items: [{}] };
    expect((await selects({ kind: 'HelmRelese', name: '*' }, { status: 200, body })).answer).toBe(false);
    expect((await selects({ kind: 'Bucket', name: '*' }, { status: 200, body })).answer).toBe(false);
  });
});

describe('selectionFindings', () => {
  const of = (...answers: Selects[]) => selectionFindings([{ alert: alertOf(releases, releases), selects: answers }]);

  it('is content when one source selects something', () => {
    expect(of(false, true)).toEqual([
      { area: 'Alerts', result: 'ok', text: 'Alert apps/all: selects HelmRelease apps/*' },
    ]);
  });

  it('warns of an Alert that selects nothing', () => {
    expect(of(false, false)).toMatchObject([
      {
        result: 'warning',
        issue: {
          code: 'not-found',
          object: { kind: 'Alert', namespace: 'apps', name: 'all' },
          path: ['spec', 'eventSources'],
          found: 'none in this cluster',
        },
      },
    ]);
  });

  it('says what it does not know', () => {
    expect(of(false, { unknown: '403' })).toMatchObject([
      { result: 'warning', issue: { code: 'unreadable', found: 'no answer: 403' } },
    ]);
  });
});
