import { specVersions, validate } from 'cdevents-sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toFluxEvent } from '../src/flux/event.ts';
import { createSequentialConverter } from '../src/map/sequential-converter.ts';
import { presetNames } from '../src/mapping/presets/presets.ts';
import { aFluxEvent } from './helpers/flux-events.ts';

/*
 * Whatever a Flux controller posts, now or in a later version: the presets make valid CDEvents of it or none, and never
 * a dead letter.
 */

const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,20}[a-z0-9])?$/);
const kinds = ['HelmRelease', 'Kustomization', 'GitRepository', 'OCIRepository', 'HelmChart', 'Bucket', 'ImagePolicy'];
const actions = ['Install', 'Upgrade', 'Test', 'Rollback', 'Uninstall', 'Reconciliation', 'HealthCheck', 'Drift'];
const ends = ['Succeeded', 'Failed', 'Detected', 'Corrected', 'Error', ''];
const reason = fc.oneof(
  fc.tuple(fc.constantFrom(...actions), fc.constantFrom(...ends)).map((parts) => parts.join('')),
  fc.constantFrom('NewArtifact', 'ChartPullSucceeded', 'Progressing', 'ValuesError', 'ArtifactFailed'),
  fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
);
const message = fc.oneof(
  fc.string({ maxLength: 80, unit: 'binary' }),
  fc
    .tuple(fc.constantFrom('upgrade', 'install', 'uninstall', 'uninstall remediation', 'test'), name, name, fc.string())
    .map(
      ([verb, release, chart, rest]) => `Helm ${verb} failed for release a/${release}.v3 with chart ${chart}@${rest}`,
    ),
);
const metadata = fc.dictionary(
  fc.constantFrom(
    'helm.toolkit.fluxcd.io/revision',
    'helm.toolkit.fluxcd.io/oci-digest',
    'kustomize.toolkit.fluxcd.io/revision',
    'kustomize.toolkit.fluxcd.io/originRevision',
    'kustomize.toolkit.fluxcd.io/commit_status',
    'source.toolkit.fluxcd.io/revision',
    'event.toolkit.fluxcd.io/env',
    'event.toolkit.fluxcd.io/team',
  ),
  fc.string({ maxLength: 40, unit: 'binary' }),
);
const groups = ['helm.toolkit.fluxcd.io/v2', 'kustomize.toolkit.fluxcd.io/v1', 'source.toolkit.fluxcd.io/v1', 'v1'];
const anEvent = fc
  .record({
    involvedObject: fc.record({
      kind: fc.oneof(fc.constant('HelmRelease'), fc.constantFrom(...kinds)),
      namespace: name,
      name,
      apiVersion: fc.constantFrom(...groups),
      uid: fc.option(fc.uuid(), { nil: undefined }),
    }),
    severity: fc.constantFrom('info', 'error'),
    timestamp: fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
    message,
    reason,
    metadata,
    reportingController: fc.constantFrom('helm-controller', 'kustomize-controller', 'source-controller'),
    action: fc.option(fc.constantFrom('Reconcile', 'Finalize', 'HelmUpgrade'), { nil: undefined }),
  })
  .map((drawn) => toFluxEvent({ ...drawn, timestamp: drawn.timestamp.toISOString() }, 0));

/** An event that every preset but `none` maps, so that no draw is without one. */
const installed = aFluxEvent({ reason: 'InstallSucceeded' });

const optionalParts = { name: 'optional-parts', text: 'enable: [drift, artifacts]' };

it.each(presetNames.flatMap((preset) => specVersions.map((specVersion) => ({ preset, specVersion }))))(
  'preset $preset in $specVersion makes valid CDEvents of any events',
  ({ preset, specVersion }) => {
    let made = 0;
    fc.assert(
      fc.property(fc.array(anEvent, { minLength: 1, maxLength: 8 }), (events) => {
        const convert = createSequentialConverter({
          preset,
          specVersion,
          unmapped: 'skip',
          unchanged: 'send',
          ...(preset === 'service' && { mapping: optionalParts }),
        });
        for (const event of events) {
          for (const mapped of convert(event).result.cdevents) {
            made++;
            expect(mapped).not.toHaveProperty('error');
            if ('cdevent' in mapped) expect(validate(JSON.parse(JSON.stringify(mapped.cdevent)))).toEqual([]);
          }
        }
      }),
      { numRuns: 60, examples: [[[installed]]] },
    );
    expect(made > 0).toBe(preset !== 'none');
  },
);
