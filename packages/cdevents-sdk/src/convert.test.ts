import { describe, expect, it } from 'vitest';
import { aCDEvent, aCustomEvent, everyEvent } from '../test/helpers/samples.ts';
import { convert } from './convert.ts';
import { createEvent } from './create-event.ts';
import { CDEventsError } from './errors.ts';
import { type CDEvent, specVersionOf } from './event.ts';
import { eventTypeOf } from './event-type.ts';
import { specVersions } from './spec-version.ts';
import { validate } from './validate.ts';

const context = { source: '/flux', id: '1', timestamp: '2024-05-06T07:08:09Z' };

function lossesOf(event: CDEvent, specVersion: '0.3' | '0.4' | '0.5'): string[] {
  try {
    convert(event, specVersion);
  } catch (error) {
    if (error instanceof CDEventsError && error.code === 'CDE_LOSSY_CONVERSION') {
      return error.issues.map(({ path }) => path);
    }
    throw error;
  }
  return [];
}

describe('convert', () => {
  it.each(everyEvent)('$name of $specVersion goes there and back, or says why not', ({ name, specVersion }) => {
    for (const everyField of [true, false]) {
      const event = aCDEvent(name, specVersion, everyField);
      for (const target of specVersions) {
        const losses = lossesOf(event, target);
        if (losses.length > 0) continue;
        const converted = convert(event, target);
        expect(validate(converted)).toEqual([]);
        expect(specVersionOf(converted)).toBe(target);
        expect(convert(converted, specVersion)).toEqual(event);
      }
    }
  });

  it.each(everyEvent)(
    '$name of $specVersion with nothing optional goes wherever it exists',
    ({ name, specVersion }) => {
      for (const target of specVersions) {
        const exists = eventTypeOf(name, target) !== undefined;
        expect(lossesOf(aCDEvent(name, specVersion, false), target)).toEqual(exists ? [] : ['context.type']);
      }
    },
  );

  it('renames what 0.5 renamed', () => {
    const event = createEvent(
      'environment.created',
      { context, subject: { id: 'prod', content: { name: 'Production', url: 'https://prod.example.com' } } },
      { specVersion: '0.4' },
    );
    expect(convert(event, '0.5')).toEqual({
      context: { ...context, specversion: '0.5.1', type: 'dev.cdevents.environment.created.0.3.0' },
      subject: { id: 'prod', content: { name: 'Production', uri: 'https://prod.example.com' } },
    });
    expect(event.subject.content).toHaveProperty('url');
  });

  it.each([
    ['pass', 'success'],
    ['fail', 'failure'],
    ['cancel', 'cancel'],
    ['error', 'error'],
  ] as const)('turns the test outcome %s into %s', (before, after) => {
    const content = { outcome: before, environment: { id: 'prod' } };
    const event = createEvent('testsuiterun.finished', { context, subject: { id: 't', content } });
    const converted = convert(event, '0.5');
    expect(converted.subject.content.outcome).toBe(after);
    expect(convert(converted, '0.3').subject.content.outcome).toBe(before);
  });

  it('leaves the outcome of other runs alone', () => {
    const event = createEvent('taskrun.finished', { context, subject: { id: 't', content: { outcome: 'fail' } } });
    expect(convert(event, '0.5').subject.content.outcome).toBe('fail');
  });

  it('names everything that 0.3 has no place for', () => {
    expect(lossesOf(aCDEvent('artifact.packaged', '0.5'), '0.3')).toEqual([
      'context.schemaUri',
      'context.chainId',
      'context.links',
      'subject.content.sbom',
    ]);
    expect(lossesOf(aCDEvent('ticket.closed', '0.4'), '0.3')).toEqual(['context.type']);
  });

  it('says which value the newer version does not allow', () => {
    const content = { pipelineName: 'p', url: 'not a URI', outcome: 'mostly' };
    const event = createEvent('pipelinerun.finished', { context, subject: { id: 'p', content } });
    expect(lossesOf(event, '0.5')).toEqual(['subject.content.uri', 'subject.content.outcome']);
    expect(() => convert(event, '0.5')).toThrow(/pipelinerun.finished of CDEvents 0.5.1: .*expected absolute URI/);
  });

  it('keeps what a trigger carries beyond its own fields', () => {
    const trigger = { type: 'event' as const, url: 'kept', commit: 'abc' };
    const content = { trigger, environment: { id: 'prod' } };
    const event = createEvent('testcaserun.started', { context, subject: { id: 't', content } });
    expect(convert(event, '0.5').subject.content.trigger).toEqual(trigger);
  });

  it('takes custom events between 0.4 and 0.5, and not to 0.3', () => {
    const [older, newer] = [aCustomEvent('0.4'), aCustomEvent('0.5')];
    expect(convert(older, '0.5')).toEqual(newer);
    expect(convert(newer, '0.4')).toEqual(older);
    expect(lossesOf(newer, '0.3')).toEqual(['context.type']);
    expect(lossesOf({ ...older, subject: { ...older.subject, type: 'other-subject' } }, '0.5')).toEqual([
      'subject.type',
    ]);
  });

  it('hands back an event of the version asked for, and refuses one that is not valid', () => {
    const event = aCDEvent('build.started', '0.4');
    expect(convert(event, '0.4')).toBe(event);
    expect(() => convert({ ...event, subject: { ...event.subject, id: '' } }, '0.5')).toThrow(
      'Invalid CDEvent: subject.id: expected non-empty string, got ""',
    );
  });
});
