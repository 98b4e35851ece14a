import { type CDEvent, specVersions } from 'cdevents-sdk';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SpecVersion } from '../../src/provider/provider.ts';
import { eventName } from '../helpers/map-story.ts';
import { recordingIsHere } from '../helpers/recording.ts';
import { buildGoProgram, goIsHere } from './go-program.ts';
import { emittedFrom, recordedEvents } from './recorded-cdevents.ts';

interface Question {
  readonly version: SpecVersion;
  readonly event: CDEvent;
}

/** What the SDK read, and the CDEvent as it would write it. */
interface Answer {
  readonly error?: string;
  readonly type?: string;
  readonly id?: string;
  readonly source?: string;
  readonly subject?: string;
  readonly event?: CDEvent;
}

const optionalParts = { name: 'optional-parts', text: 'enable: [drift, artifacts]\nrules: []\n' };
const emitted = ({ preset, specVersion }: { preset: 'rfc' | 'service'; specVersion: SpecVersion }): CDEvent[] =>
  emittedFrom(recordedEvents, {
    preset,
    specVersion,
    unchanged: 'send',
    ...(preset === 'service' && { mapping: optionalParts }),
  }).map(({ cdevent }) => cdevent);

/** As a producer would write it that leaves out the tags of a link when there are none. */
const withoutTags = (cdevent: CDEvent): CDEvent => ({
  ...cdevent,
  context: { ...cdevent.context, links: cdevent.context.links?.map(({ tags: _, ...link }) => link) ?? [] },
});

const combinations = (['rfc', 'service'] as const).flatMap((preset) =>
  specVersions.map((specVersion) => ({ preset, specVersion })),
);

describe.skipIf(!goIsHere)('the CDEvents SDK for Go', () => {
  let ask: (questions: readonly Question[]) => Answer[];
  beforeAll(() => {
    ask = buildGoProgram('cdevents');
  });

  it.each(combinations)('reads and validates all of preset $preset in $specVersion', (combination) => {
    const cdevents = emitted(combination);
    expect(cdevents.length).toBeGreaterThan(10);
    const answers = ask(cdevents.map((event) => ({ version: combination.specVersion, event })));
    expect(answers).toEqual(
      cdevents.map((event) => ({
        type: event.context.type,
        id: event.context.id,
        source: event.context.source,
        subject: event.subject.id,
        event,
      })),
    );
  });

  it.skipIf(!recordingIsHere)('has seen what the presets emit', () => {
    const names = new Set(combinations.flatMap(emitted).map(eventName));
    expect([...names]).toEqual(expect.arrayContaining(EMITTED));
  });

  it('refuses a link without tags, which the specification does not ask for: ours have some', () => {
    const cdevent = emitted({ preset: 'service', specVersion: '0.4' }).find(({ context }) => context.links);
    if (!cdevent) throw new Error('expected a link in the recording');
    const [{ error } = {}] = ask([{ version: '0.4', event: withoutTags(cdevent) }]);
    const complaints = error?.match(/at '\/context\/links\/0\/tags': got null, want object/g);
    expect(complaints).toHaveLength(3); // of the three kinds of links: for a PATH there is no other complaint
    expect(error).not.toContain("'/subject");
  });

  it.each(specVersions)(
    'refuses an incident of %s without a package URL, so that its yes means something',
    (version) => {
      const incident = emitted({ preset: 'service', specVersion: version }).find(
        (cdevent) => eventName(cdevent) === 'incident.detected',
      );
      if (!incident) throw new Error('expected an incident in the recording');
      const { artifactId, ...rest } = incident.subject.content;
      const withContent = (content: object) =>
        ({ version, event: { ...incident, subject: { ...incident.subject, content } } }) as Question;
      const answers = ask([
        withContent({ ...rest, artifactId }),
        withContent(rest),
        withContent({ ...rest, artifactId: 'podinfo' }),
      ]);
      expect(answers.map(({ error }) => error)).toEqual([
        undefined,
        expect.stringContaining('ArtifactId'),
        expect.stringContaining('purl'),
      ]);
    },
  );
});

const EMITTED = [
  'artifact.published',
  'environment.modified',
  'incident.detected',
  'incident.resolved',
  'service.deployed',
  'service.removed',
  'service.rolledback',
  'service.upgraded',
  'taskrun.finished',
  'testcaserun.finished',
  'testsuiterun.finished',
];
