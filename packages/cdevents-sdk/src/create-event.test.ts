import { describe, expect, it } from 'vitest';
import { createCustomEvent, createEvent, createUntypedEvent } from './create-event.ts';
import { CDEventsError } from './errors.ts';
import * as v03 from './v0.3.ts';
import * as v04 from './v0.4.ts';
import * as v05 from './v0.5.ts';
import { validate } from './validate.ts';

const options = { newId: () => 'id-1', now: () => new Date('2024-05-06T07:08:09Z') };
const input = {
  context: { source: '/flux' },
  subject: { id: 'apps/podinfo', content: { environment: { id: 'prod' }, artifactId: 'pkg:helm/podinfo@6.0.0' } },
};

describe('createEvent', () => {
  it('fills in what follows from the name and the version', () => {
    expect(createEvent('service.deployed', input, options)).toEqual({
      context: {
        version: '0.4.1',
        id: 'id-1',
        source: '/flux',
        type: 'dev.cdevents.service.deployed.0.2.0',
        timestamp: '2024-05-06T07:08:09.000Z',
      },
      subject: { type: 'service', ...input.subject },
    });
    expect(createEvent('service.deployed', input, { ...options, specVersion: '0.5' })).toEqual({
      context: {
        specversion: '0.5.1',
        id: 'id-1',
        source: '/flux',
        type: 'dev.cdevents.service.deployed.0.3.0',
        timestamp: '2024-05-06T07:08:09.000Z',
      },
      subject: input.subject,
    });
  });

  it('takes an id and a time of the caller’s own, and else makes new ones', () => {
    const context = { source: '/flux', id: 'mine', timestamp: '2020-01-01T00:00:00.123456Z' };
    expect(createEvent('build.started', { context, subject: { id: 'b' } }).context).toMatchObject(context);
    const ids = [1, 2].map(() => createEvent('build.started', { context: { source: '/' }, subject: { id: 'b' } }));
    expect(ids[0]?.context.id).not.toBe(ids[1]?.context.id);
    const dated = { ...context, timestamp: new Date(0) };
    expect(createEvent('build.started', { context: dated, subject: { id: 'b' } }).context.timestamp).toBe(
      '1970-01-01T00:00:00.000Z',
    );
  });

  it('is bound to one version in the entry of that version', () => {
    expect(v03.createEvent('service.deployed', input, options).context.version).toBe('0.3.0');
    expect(v04.createEvent('service.deployed', input, options).context.version).toBe('0.4.1');
    expect(v05.createEvent('service.deployed', input, options).context.specversion).toBe('0.5.1');
    expect([v03, v04, v05].map(({ eventNames }) => eventNames.length)).toEqual([39, 45, 45]);
  });

  it('throws every issue at once', () => {
    const wrong = { context: { source: '' }, subject: { id: '', content: { outcome: 'nice', more: 1 } } };
    const create = () => createUntypedEvent('testcaserun.finished', wrong, options);
    expect(create).toThrow(CDEventsError);
    expect(create).toThrow(
      'Invalid testcaserun.finished of CDEvents 0.4.1: ' +
        'context.source: expected non-empty string, got ""; ' +
        'subject.id: expected non-empty string, got ""; ' +
        'subject.content.outcome: expected one of "pass", "fail", "cancel", "error", got "nice"; ' +
        'subject.content.environment: expected object, got nothing; ' +
        'subject.content.more: no such field',
    );
  });

  it('refuses a date that is none', () => {
    const context = { source: '/', timestamp: new Date(Number.NaN) };
    expect(() => createEvent('build.started', { context, subject: { id: 'b' } })).toThrow('context.timestamp');
  });

  it('leaves out what is undefined', () => {
    const context = { source: '/', chainId: undefined, links: undefined } as unknown as { source: string };
    const event = createUntypedEvent('build.started', { context, subject: { id: 'b' } }, { specVersion: '0.3' });
    expect(Object.keys(event.context)).toEqual(['version', 'id', 'source', 'type', 'timestamp']);
  });

  it('says when the version has no such event', () => {
    expect(() => createUntypedEvent('ticket.created', input, { specVersion: '0.3' })).toThrow(
      'CDEvents 0.3.0 has no event ticket.created',
    );
    expect(() => createUntypedEvent('__proto__', input)).toThrow('CDEvents 0.4.1 has no event __proto__');
  });
});

describe('createCustomEvent', () => {
  it('builds type and subject from the name', () => {
    const event = createCustomEvent('mytool-resource.created', input, options);
    expect(event.context.type).toBe('dev.cdeventsx.mytool-resource.created.0.1.0');
    expect(event.subject.type).toBe('mytool-resource');
    expect(validate(event)).toEqual([]);
    const newer = createCustomEvent('mytool-resource.created', input, { specVersion: '0.5', typeVersion: '1.2.3' });
    expect(newer.context.type).toBe('dev.cdeventsx.mytool-resource.created.1.2.3');
    expect(newer.subject).not.toHaveProperty('type');
  });

  it.each(['tool-two words.done', 'tool-a-b.done', 'tool-x.y.done'] as const)('refuses the name %s', (name) => {
    expect(() => createCustomEvent(name, input)).toThrow(CDEventsError);
  });
});
