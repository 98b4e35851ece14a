import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { everyEvent } from '../test/helpers/samples.ts';
import { eventNames, eventTypeOf, isEventName, parseEventType } from './event-type.ts';
import { specVersions } from './spec-version.ts';

describe('event types', () => {
  it.each([
    ['service.deployed', '0.3', 'dev.cdevents.service.deployed.0.1.1'],
    ['service.deployed', '0.4', 'dev.cdevents.service.deployed.0.2.0'],
    ['service.deployed', '0.5', 'dev.cdevents.service.deployed.0.3.0'],
    ['change.created', '0.4', 'dev.cdevents.change.created.0.3.0'],
    ['ticket.closed', '0.3', undefined],
    ['service.launched', '0.4', undefined],
    ['toString', '0.4', undefined],
    ['__proto__', '0.5', undefined],
  ] as const)('%s in %s is %s', (name, specVersion, type) => {
    expect(eventTypeOf(name, specVersion)).toBe(type);
    expect(isEventName(name, specVersion)).toBe(type !== undefined);
  });

  it('count 39 in 0.3, 45 in 0.4 and 45 in 0.5', () => {
    expect(specVersions.map((specVersion) => eventNames(specVersion).length)).toEqual([39, 45, 45]);
  });

  it.each(everyEvent)('$name of $specVersion is read back from its type', ({ name, specVersion }) => {
    const type = eventTypeOf(name, specVersion) ?? '';
    expect(parseEventType(type)).toMatchObject({ kind: 'standard', name, specVersion });
    const parsed = parseEventType(type);
    expect(`dev.cdevents.${parsed?.subject}.${parsed?.predicate}.${parsed?.version}`).toBe(type);
  });

  it('belong to one spec version each', () => {
    const types = everyEvent.map(({ name, specVersion }) => eventTypeOf(name, specVersion));
    expect(new Set(types).size).toBe(129);
  });

  it('of custom events are read back from their parts', () => {
    const lettersOf = (alphabet: string) =>
      fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength: 12 });
    const letters = lettersOf('abcXYZ');
    const digit = fc.integer({ min: 0, max: 9 });
    fc.assert(
      fc.property(lettersOf('aZ09'), letters, letters, fc.tuple(digit, digit, digit), (tool, subject, predicate, v) => {
        const version = v.join('.');
        expect(parseEventType(`dev.cdeventsx.${tool}-${subject}.${predicate}.${version}`)).toEqual({
          kind: 'custom',
          name: `${tool}-${subject}.${predicate}`,
          subject: `${tool}-${subject}`,
          predicate,
          version,
          specVersion: undefined,
        });
      }),
    );
  });

  it.each([
    '',
    'dev.cdevents.service.deployed',
    'dev.cdevents.service.deployed.9.9.9',
    'dev.cdevents.service.deployed.0.2.0 ',
    'dev.cdeventsx.tool.created.0.1.0',
    'dev.cdeventsx.a-b-c.created.0.1.0',
    'dev.cdeventsx.a-b.created.0.10.0',
    'dev.cdeventsx.a-b.created.0.1.0\n',
    'com.example.event',
  ])('%j is none', (type) => expect(parseEventType(type)).toBeUndefined());

  it('never trip over a stranger’s text', () => {
    fc.assert(fc.property(fc.string(), (text) => parseEventType(text) === undefined));
  });
});
