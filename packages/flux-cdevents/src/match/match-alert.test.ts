import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { anAlert } from '../../test/helpers/alerts.ts';
import { aFluxEvent, aKustomizationEvent } from '../../test/helpers/flux-events.ts';
import { RFC_ALERT } from '../../test/helpers/rfc-example.ts';
import type { Alert, EventSource } from '../flux/alert.ts';
import { toFluxEvent } from '../flux/event.ts';
import { parseAlert } from '../flux/parse-alert.ts';
import { matchAlert } from './match-alert.ts';

type Spec = Partial<Alert['spec']>;

const podinfo = aFluxEvent({ message: 'Helm upgrade succeeded for release apps/podinfo.v2' });
const answer = (spec: Spec, labels?: Readonly<Record<string, string>>, event = podinfo) => {
  const result = matchAlert(event, anAlert(spec), labels);
  return result.matched ? 'matched' : result.reason;
};

describe('the sources of an Alert', () => {
  it.each<[string, EventSource[], string]>([
    ['any name', [{ kind: 'HelmRelease', name: '*' }], 'matched'],
    ['the name', [{ kind: 'HelmRelease', name: 'podinfo' }], 'matched'],
    ['another name', [{ kind: 'HelmRelease', name: 'pod' }], 'eventSources'],
    ['part of the name and a star', [{ kind: 'HelmRelease', name: 'pod*' }], 'eventSources'],
    ['another kind', [{ kind: 'Kustomization', name: '*' }], 'eventSources'],
    ['the kind in another case', [{ kind: 'helmrelease', name: '*' }], 'eventSources'],
    ['its namespace by name', [{ kind: 'HelmRelease', name: '*', namespace: 'apps' }], 'matched'],
    ['another namespace', [{ kind: 'HelmRelease', name: '*', namespace: 'infra' }], 'eventSources'],
    ['a star as the namespace', [{ kind: 'HelmRelease', name: '*', namespace: '*' }], 'eventSources'],
    [
      'the second of two',
      [
        { kind: 'GitRepository', name: '*' },
        { kind: 'HelmRelease', name: 'podinfo' },
      ],
      'matched',
    ],
    ['nothing', [], 'eventSources'],
  ])('name %s', (_, eventSources, expected) => expect(answer({ eventSources })).toBe(expected));

  it('do not compare the API group', () => {
    const event = aFluxEvent({ involvedObject: { apiVersion: 'example.com/v1' } });
    expect(answer({}, undefined, event)).toBe('matched');
  });

  it('are of the namespace of the Alert unless they name one', () => {
    const source = { kind: 'HelmRelease', name: '*' };
    expect(matchAlert(podinfo, anAlert({ eventSources: [source] }, { namespace: 'infra' }), {}).matched).toBe(false);
    const named = [{ ...source, namespace: 'apps' }];
    expect(matchAlert(podinfo, anAlert({ eventSources: named }, { namespace: 'infra' }), {}).matched).toBe(true);
  });
});

describe('the severity', () => {
  it.each([
    [undefined, 'info', 'matched'],
    [undefined, 'error', 'matched'],
    ['info', 'info', 'matched'],
    ['info', 'error', 'matched'],
    ['info', 'trace', 'matched'],
    ['error', 'error', 'matched'],
    ['error', 'info', 'eventSeverity'],
  ] as const)('%s for an event of %s: %s', (eventSeverity, severity, expected) =>
    expect(answer(eventSeverity ? { eventSeverity } : {}, undefined, aFluxEvent({ severity }))).toBe(expected),
  );
});

describe('labels', () => {
  const labelled = (matchLabels: Readonly<Record<string, string>>, name = '*') => ({
    eventSources: [{ kind: 'HelmRelease', name, matchLabels }],
  });

  it.each<[string, Spec, Readonly<Record<string, string>> | undefined, string]>([
    ['all there', labelled({ team: 'a', tier: 'web' }), { team: 'a', tier: 'web', x: 'y' }, 'matched'],
    ['one missing', labelled({ team: 'a', tier: 'web' }), { team: 'a' }, 'matchLabels'],
    ['another value', labelled({ team: 'a' }), { team: 'b' }, 'matchLabels'],
    ['not known', labelled({ team: 'a' }), undefined, 'labels unknown'],
    ['an empty matchLabels', labelled({}), undefined, 'matched'],
    ['with a name too', labelled({ team: 'a' }, 'podinfo'), { team: 'a' }, 'matched'],
    ['with another name', labelled({ team: 'a' }, 'other'), { team: 'a' }, 'eventSources'],
  ])('%s', (_, spec, labels, expected) => expect(answer(spec, labels)).toBe(expected));

  it('do not count where another source does without', () => {
    const eventSources = [
      { kind: 'HelmRelease', name: '*', matchLabels: { team: 'a' } },
      { kind: 'HelmRelease', name: 'podinfo' },
    ];
    expect(answer({ eventSources })).toBe('matched');
  });
});

describe('the message', () => {
  it.each<[string, Spec, string]>([
    ['empty lists', { inclusionList: [], exclusionList: [] }, 'matched'],
    ['included', { inclusionList: ['no', 'upgrade'] }, 'matched'],
    ['not included', { inclusionList: ['install'] }, 'inclusionList'],
    ['in another case', { inclusionList: ['HELM'] }, 'inclusionList'],
    ['whatever the case', { inclusionList: ['(?i)HELM UPGRADE'] }, 'matched'],
    ['by whole words', { inclusionList: [String.raw`\bup\b`] }, 'inclusionList'],
    ['excluded', { exclusionList: ['no', 'succeeded'] }, 'exclusionList'],
    ['included and excluded', { inclusionList: ['upgrade'], exclusionList: ['succeeded'] }, 'exclusionList'],
    ['included by invalid expressions only', { inclusionList: ['(', '(?=x)'] }, 'inclusionList'],
    ['included by a valid expression among invalid ones', { inclusionList: ['(', 'upgrade'] }, 'matched'],
    ['excluded by invalid expressions only', { exclusionList: ['('] }, 'matched'],
  ])('%s', (_, spec, expected) => expect(answer(spec)).toBe(expected));
});

describe('a no', () => {
  const everything: Spec = {
    suspend: true,
    eventSeverity: 'error',
    inclusionList: ['install'],
    exclusionList: ['upgrade'],
  };

  it.each<[Spec, string]>([
    [everything, 'suspended'],
    [{ ...everything, suspend: false }, 'eventSeverity'],
    [{ ...everything, suspend: false, eventSeverity: 'info' }, 'inclusionList'],
    [{ exclusionList: ['upgrade'] }, 'exclusionList'],
  ])('has the reason that comes first: %j', (spec, reason) => expect(answer(spec)).toBe(reason));

  it('has the reason of the source that came closest', () => {
    const eventSources = [
      { kind: 'HelmRelease', name: '*', matchLabels: { team: 'b' } },
      { kind: 'GitRepository', name: '*' },
    ];
    expect(answer({ eventSources }, { team: 'a' })).toBe('matchLabels');
  });
});

describe('without cross-namespace references', () => {
  const options = { noCrossNamespaceRefs: true };
  const eventSources = [{ kind: 'HelmRelease', name: '*', namespace: 'apps' }];

  it('an Alert selects only events of its own namespace', () => {
    expect(matchAlert(podinfo, anAlert({ eventSources }), {}, options)).toEqual({ matched: true });
    expect(matchAlert(podinfo, anAlert({ eventSources }, { namespace: 'infra' }), {}, options)).toEqual({
      matched: false,
      reason: 'cross-namespace',
    });
  });
});

describe('the example of the RFC', () => {
  const alert = parseAlert(parse(RFC_ALERT)).value;

  it('selects the HelmReleases of flux-system', () => {
    if (!alert) throw new Error('not read');
    const recorded = toFluxEvent(
      {
        involvedObject: {
          kind: 'HelmRelease',
          namespace: 'flux-system',
          name: 'lab',
          uid: 'a374047d-2253-4e05-9835-70d5af29f4a0',
          apiVersion: 'helm.toolkit.fluxcd.io/v2',
        },
        severity: 'info',
        timestamp: '2026-11-24T07:48:27Z',
        message: 'Helm install succeeded for release flux-system/lab.v1 with chart podinfo@6.5.0',
        reason: 'InstallSucceeded',
        reportingController: 'helm-controller',
      },
      0,
    );
    expect(matchAlert(recorded, alert, undefined)).toEqual({ matched: true });
    expect(matchAlert(podinfo, alert, undefined)).toEqual({ matched: false, reason: 'eventSources' });
    expect(matchAlert(aKustomizationEvent(), alert, undefined)).toEqual({ matched: false, reason: 'eventSources' });
  });
});
