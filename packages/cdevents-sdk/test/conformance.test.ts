import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDateTime, isUri, isUriReference } from '../src/formats.ts';
import {
  type CDEvent,
  eventNames,
  eventTypeOf,
  fromHttp,
  parse,
  parseEventType,
  type SpecVersion,
  safeParse,
  specVersionOf,
  specVersions,
  toHttp,
  validate,
  validateLink,
} from '../src/index.ts';
import { conformanceFiles, type Judge, officialIsHere, officialJudge, officialRoot } from './helpers/official.ts';
import { aCDEvent, aCustomEvent, sampleContent } from './helpers/samples.ts';
import { variantsOf } from './helpers/variants.ts';

if (!officialIsHere) {
  // biome-ignore lint/suspicious/noConsole: a skipped conformance test should say so
  console.warn(`conformance: skipped, the specification's schemas are not at ${officialRoot}`);
}

/** What the official schema of the value's own type says; a type of another spec version is no type of this one. */
function officialVerdict(judge: Judge, value: unknown): boolean {
  const type = (value as CDEvent | null)?.context?.type;
  if (typeof type !== 'string') return false;
  return judge.accepts(parseEventType(type)?.kind === 'custom' ? 'custom' : type, value);
}

function expectAgreement(judge: Judge, value: unknown): void {
  const issues = validate(value);
  if ((issues.length === 0) !== officialVerdict(judge, value)) {
    const verdict = issues.length === 0 ? 'we accept' : `we refuse (${issues[0]?.message})`;
    expect.fail(`${verdict}, the official schema does not agree: ${JSON.stringify(value)}`);
  }
}

describe.skipIf(!officialIsHere).each(specVersions)('the official files of CDEvents %s', (specVersion: SpecVersion) => {
  const files = officialIsHere ? conformanceFiles(specVersion) : [];
  const judge = officialIsHere ? officialJudge(specVersion) : undefined;
  const theJudge = (): Judge => {
    if (!judge) throw new Error('no judge');
    return judge;
  };

  it('name the events that we know', () => {
    const ours = eventNames(specVersion).map((name) => eventTypeOf(name, specVersion));
    const theirs = theJudge().types.filter((type) => type !== 'custom');
    expect(ours.toSorted()).toEqual(theirs.toSorted());
    expect(files).toHaveLength(theJudge().types.length);
  });

  it.each(files)('$file makes the round trip', ({ text }) => {
    const event = parse(text);
    expect(specVersionOf(event)).toBe(specVersion);
    expect(parse(JSON.stringify(event))).toEqual(JSON.parse(text));
    for (const mode of ['binary', 'structured', 'batched'] as const) {
      expect(fromHttp(toHttp(event, { mode }))).toEqual([JSON.parse(text)]);
    }
  });

  it.each(files)('$file, one change at a time, is judged as its schema does', ({ text }) => {
    for (const variant of variantsOf(JSON.parse(text) as object)) expectAgreement(theJudge(), variant);
  });

  it.each(eventNames(specVersion))('%s of our own, one change at a time, is judged as its schema does', (name) => {
    for (const everyField of [true, false]) {
      const event = aCDEvent(name, specVersion, everyField);
      expect(officialVerdict(theJudge(), event)).toBe(true);
      for (const variant of variantsOf(event)) expectAgreement(theJudge(), variant);
    }
  });

  it('judge several changes at once as we do', () => {
    const anEvent = fc.constantFrom(...eventNames(specVersion)).chain((name) => {
      const content = sampleContent(name, specVersion);
      const key = fc.constantFrom(...Object.keys(content), 'id', 'type', 'source', 'url', 'uri', 'outcome');
      return fc.record({ name: fc.constant(name), content: fc.dictionary(key, fc.jsonValue()), some: fc.boolean() });
    });
    fc.assert(
      fc.property(anEvent, ({ name, content, some }) => {
        const event = structuredClone(aCDEvent(name, specVersion)) as CDEvent;
        event.subject.content = some ? { ...event.subject.content, ...content } : content;
        expectAgreement(theJudge(), event);
      }),
      { numRuns: 2000 },
    );
  });
});

describe.skipIf(!officialIsHere).each(['0.4', '0.5'] as const)(
  'custom events and links of CDEvents %s',
  (specVersion) => {
    it('are judged as the schema does, one change at a time', () => {
      const judge = officialJudge(specVersion);
      for (const variant of variantsOf(aCustomEvent(specVersion))) expectAgreement(judge, variant);
    });

    it.each([
      { linkType: 'START', start: { contextId: 'a' } },
      { linkType: 'END', from: { contextId: 'a' }, end: { contextId: 'b' } },
      { linkType: 'PATH', from: { contextId: 'a' }, to: { contextId: 'b' } },
      { linkType: 'RELATION', linkKind: 'TRIGGER', source: { contextId: 'a' }, target: { contextId: 'b' } },
    ])('$linkType links are judged as the schema does', (parts) => {
      const judge = officialJudge(specVersion);
      const link = { chainId: 'c', timestamp: '2024-05-06T07:08:09Z', tags: { lane: 'fast' }, ...parts };
      expect(validateLink(link)).toEqual([]);
      for (const variant of variantsOf(link)) {
        const linkType = (variant as { linkType?: unknown } | null)?.linkType;
        const verdict = typeof linkType === 'string' && judge.acceptsLink(linkType, variant);
        expect({ variant, valid: validateLink(variant).length === 0 }).toEqual({ variant, valid: verdict });
      }
    });
  },
);

describe.skipIf(!officialIsHere)('the whole vocabulary', () => {
  it('counts 39, 45 and 45 events', () => {
    expect(specVersions.map((specVersion) => eventNames(specVersion).length)).toEqual([39, 45, 45]);
  });

  it('answers why a file is refused', () => {
    expect(safeParse('{"context": {}}')).toMatchObject({ success: false, code: 'CDE_UNKNOWN_TYPE' });
    expect([isUri(''), isUriReference(''), isDateTime('')]).toEqual([false, true, false]);
  });
});
