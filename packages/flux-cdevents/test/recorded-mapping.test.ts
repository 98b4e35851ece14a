import { type CDEvent, specVersions } from 'cdevents-sdk';
import { PackageURL } from 'packageurl-js';
import { describe, expect, it } from 'vitest';
import { officialIsHere, officialJudge } from '../../cdevents-sdk/test/helpers/official.ts';
import { createMappingCommand } from '../src/commands/mapping.ts';
import { type FluxEvent, parseFluxEvent } from '../src/flux/event.ts';
import type { Conversion } from '../src/map/convert-event.ts';
import { createSequentialConverter, type SequentialConverterOptions } from '../src/map/sequential-converter.ts';
import type { PresetName, SpecVersion } from '../src/provider/provider.ts';
import { runCommand } from './helpers/command-io.ts';
import { cdeventsOf, eventName } from './helpers/map-story.ts';
import { distinctBodies, RECORDED_TABLES, recordingIsHere } from './helpers/recording.ts';

const isHere = recordingIsHere && officialIsHere;
if (!isHere) {
  // biome-ignore lint/suspicious/noConsole: a test that is skipped should say so
  console.warn(
    'recorded mapping: skipped, the recorded Flux events or the official schemas are not beside the repository',
  );
}
const events = distinctBodies.map((body) => parseFluxEvent(body, 0));

/** Each event with what became of it, in the order of the recording. */
function mapRecording(
  options: Partial<SequentialConverterOptions>,
): { readonly event: FluxEvent; readonly result: Conversion }[] {
  const convert = createSequentialConverter({
    specVersion: '0.4',
    preset: 'service',
    unmapped: 'skip',
    unchanged: 'skip',
    ...options,
  });
  return events.map((event) => ({ event, result: convert(event).result }));
}

const cdeventsIn = (options: Partial<SequentialConverterOptions>): CDEvent[] =>
  mapRecording(options).flatMap(({ result }) => cdeventsOf(result));

const combinations = (['rfc', 'service'] as const).flatMap((preset) =>
  specVersions.map((specVersion) => ({ preset, specVersion })),
);

async function printed(preset: PresetName, specVersion: SpecVersion): Promise<string> {
  const { stdout } = await runCommand(createMappingCommand, [
    'show',
    '--preset',
    preset,
    '--spec-version',
    specVersion,
  ]);
  return stdout;
}

describe.skipIf(!isHere)('what real Flux controllers posted', () => {
  it.each(combinations)('under preset $preset in $specVersion becomes valid CDEvents', ({ preset, specVersion }) => {
    const table: Record<string, number> = {};
    for (const { event, result } of mapRecording({ preset, specVersion })) {
      for (const cdevent of cdeventsOf(result)) {
        const row = `${event.involvedObject.kind} ${event.reason} → ${eventName(cdevent)}`;
        table[row] = (table[row] ?? 0) + 1;
      }
    }
    expect(Object.fromEntries(Object.entries(table).sort())).toEqual(RECORDED_TABLES[preset]);

    const judge = officialJudge(specVersion);
    const cdevents = cdeventsIn({ preset, specVersion });
    expect(cdevents.filter((cdevent) => !judge.accepts(cdevent.context.type, cdevent))).toEqual([]);
  });

  it.each(combinations)('under preset $preset in $specVersion has the same ids each time', (options) => {
    const ids = cdeventsIn(options).map(({ context }) => context.id);
    expect(cdeventsIn(options).map(({ context }) => context.id)).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(combinations)(
    'gives the same by the rules of preset $preset as printed for $specVersion',
    async (options) => {
      const text = await printed(options.preset, options.specVersion);
      const bySame = cdeventsIn({ ...options, preset: 'none', mapping: { name: 'printed', text } });
      expect(bySame).toEqual(cdeventsIn(options));
    },
  );

  it('names a package URL in every incident, and in every service', () => {
    const named = cdeventsIn({ preset: 'service' }).filter(({ context }) =>
      /\.(incident\.\w+|service\.(deployed|upgraded|rolledback))\./.test(context.type),
    );
    expect(named.length).toBeGreaterThan(20);
    for (const { subject } of named) {
      const purl = String(subject.content.artifactId);
      expect(PackageURL.fromString(purl).toString()).toBe(purl);
    }
  });

  it('tells the story of each incident: detected, resolved, and no others', () => {
    const chapters = mapRecording({ preset: 'service' }).flatMap(({ event, result }) =>
      cdeventsOf(result)
        .filter(({ context }) => context.type.includes('.incident.'))
        .map((cdevent) => {
          const revision = event.metadata?.['kustomize.toolkit.fluxcd.io/revision']?.slice(10, 17);
          const { kind, name } = event.involvedObject;
          const id = cdevent.subject.id.split('/').at(-1);
          return [`${kind}/${name}`, event.reason, ...(revision ? [revision] : []), eventName(cdevent), id].join(' ');
        }),
    );
    expect(chapters).toEqual(STORY);
  });
});

const STORY = [
  'HelmRelease/podinfo TestFailed incident.detected 27ddf459',
  'HelmRelease/podinfo UpgradeSucceeded incident.resolved 27ddf459',
  'HelmRelease/podinfo UpgradeFailed incident.detected 28114030',
  'HelmRelease/podinfo UpgradeSucceeded incident.resolved 28114030',
  'HelmRelease/podinfo TestFailed incident.detected c1247272',
  'HelmRelease/slow UpgradeFailed incident.detected fe49b66a',
  'HelmRelease/podinfo UpgradeSucceeded incident.resolved c1247272',
  'HelmRelease/podinfo TestFailed incident.detected f6162d06',
  'Kustomization/nowhere ArtifactFailed 89cdb42 incident.detected 86f4bfbf',
  'Kustomization/nowhere ArtifactFailed ff20abf incident.detected 86f4bfbf',
  'Kustomization/nowhere ArtifactFailed 185d74f incident.detected 86f4bfbf',
  'Kustomization/nowhere ArtifactFailed fe025ff incident.detected 86f4bfbf',
  'Kustomization/infra HealthCheckFailed ff20abf incident.detected 2fea23cf',
  'Kustomization/infra ReconciliationFailed fe025ff incident.detected 2fea23cf',
  'Kustomization/nowhere ArtifactFailed 94f67a4 incident.detected 86f4bfbf',
  'Kustomization/infra ReconciliationSucceeded 94f67a4 incident.resolved 2fea23cf',
];
