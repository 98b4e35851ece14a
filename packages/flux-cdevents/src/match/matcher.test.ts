import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anAlert } from '../../test/helpers/alerts.ts';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import type { Alert } from '../flux/alert.ts';
import type { FluxEvent } from '../flux/event.ts';
import { nameOf } from '../flux/object-ref.ts';
import { matchAlert } from './match-alert.ts';
import { createMatcher } from './matcher.ts';

const alertNamed = (name: string, spec: Partial<Alert['spec']> = {}, namespace = 'apps'): Alert =>
  anAlert(spec, { namespace, name });
const namesOf = (alerts: readonly Alert[]) => alerts.map(({ metadata }) => nameOf(metadata));

describe('createMatcher', () => {
  it('returns the Alerts in the order of namespace and name, each once', () => {
    const both = {
      eventSources: [
        { kind: 'HelmRelease', name: 'podinfo', namespace: 'apps' },
        { kind: 'HelmRelease', name: '*', namespace: 'apps' },
        { kind: 'HelmRelease', name: '*', namespace: 'apps' },
      ],
    };
    const named = { eventSources: [{ kind: 'HelmRelease', name: 'podinfo' }] };
    const alerts = [
      alertNamed('b', named),
      alertNamed('a'),
      alertNamed('c', both),
      alertNamed('z', both, 'aaa'),
      alertNamed('B'),
    ];
    expect(namesOf(createMatcher(alerts).match(aFluxEvent(), undefined))).toEqual([
      'aaa/z',
      'apps/B',
      'apps/a',
      'apps/b',
      'apps/c',
    ]);
  });

  it('returns nothing where no Alert names the object', () => {
    const matcher = createMatcher([alertNamed('a')]);
    expect(matcher.match(aFluxEvent({ involvedObject: { kind: 'Bucket' } }), undefined)).toEqual([]);
    expect(createMatcher([]).match(aFluxEvent(), undefined)).toEqual([]);
  });
});

describe('needsLabels', () => {
  const labelled = { kind: 'HelmRelease', name: '*', matchLabels: { team: 'a' } };

  it.each<[string, Partial<Alert['spec']>, boolean]>([
    ['labels decide', { eventSources: [labelled] }, true],
    ['no source has matchLabels', {}, false],
    ['another source decides', { eventSources: [labelled, { kind: 'HelmRelease', name: 'podinfo' }] }, false],
    ['the severity decides', { eventSources: [labelled], eventSeverity: 'error' }, false],
    ['the message decides', { eventSources: [labelled], exclusionList: ['upgrade'] }, false],
    ['the Alert is suspended', { eventSources: [labelled], suspend: true }, false],
    ['another kind is labelled', { eventSources: [{ ...labelled, kind: 'Bucket' }] }, false],
  ])('when %s', (_, spec, expected) =>
    expect(createMatcher([alertNamed('a', spec)]).needsLabels(aFluxEvent())).toBe(expected),
  );
});

const kind = fc.constantFrom('HelmRelease', 'Kustomization');
const namespace = fc.constantFrom('apps', 'infra', 'a');
const name = fc.constantFrom('podinfo', 'b', 'apps');
const label = fc.dictionary(fc.constantFrom('team', 'tier'), fc.constantFrom('a', 'b'), { maxKeys: 2 });
const expressions = fc.array(fc.constantFrom('upgrade', 'fail', '(?i)HELM', '(', '^a'), { maxLength: 2 });

const alert: fc.Arbitrary<Alert> = fc.record({
  metadata: fc.record({ namespace, name: fc.stringMatching(/^[a-d]{1,2}$/) }),
  spec: fc.record(
    {
      providerRef: fc.constant({ name: 'hub' }),
      eventSources: fc.array(
        fc.record(
          { kind, name: fc.oneof(name, fc.constant('*')), namespace, matchLabels: label },
          { requiredKeys: ['kind', 'name'] },
        ),
        { maxLength: 3 },
      ),
      eventSeverity: fc.constantFrom('info', 'error'),
      inclusionList: expressions,
      exclusionList: expressions,
      suspend: fc.boolean(),
    },
    { requiredKeys: ['providerRef', 'eventSources'] },
  ),
});

const event: fc.Arbitrary<FluxEvent> = fc
  .record({
    involvedObject: fc.record({ kind, namespace, name }),
    severity: fc.constantFrom('info', 'error'),
    message: fc.constantFrom('Helm upgrade succeeded', 'a failure', ''),
  })
  .map(aFluxEvent);

describe('the index', () => {
  it('finds exactly what a scan over all Alerts finds', () => {
    const uniqueAlerts = fc.uniqueArray(alert, { selector: ({ metadata }) => nameOf(metadata), maxLength: 12 });
    fc.assert(
      fc.property(
        uniqueAlerts,
        event,
        fc.option(label, { nil: undefined }),
        fc.boolean(),
        (alerts, posted, labels, noCrossNamespaceRefs) => {
          const options = { noCrossNamespaceRefs };
          const scanned = alerts.filter((candidate) => matchAlert(posted, candidate, labels, options).matched);
          const matcher = createMatcher(alerts, options);
          expect(namesOf(matcher.match(posted, labels))).toEqual(namesOf(scanned).sort());
          if (!matcher.needsLabels(posted)) {
            expect(matcher.match(posted, undefined)).toEqual(matcher.match(posted, labels));
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
