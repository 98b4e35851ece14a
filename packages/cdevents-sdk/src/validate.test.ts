import { describe, expect, it } from 'vitest';
import { aCDEvent, aCustomEvent, everyEvent } from '../test/helpers/samples.ts';
import { variantsOf } from '../test/helpers/variants.ts';
import type { CDEventsError } from './errors.ts';
import { isCustomEvent, isEvent, specVersionOf } from './event.ts';
import { isLink, parse, safeParse, validate, validateLink } from './validate.ts';

describe('validate', () => {
  it.each(everyEvent)('has a reason at a path for each refusal of $name of $specVersion', ({ name, specVersion }) => {
    const event = aCDEvent(name, specVersion);
    expect(validate(event)).toEqual([]);
    for (const variant of variantsOf(event)) {
      for (const issue of validate(variant)) {
        // the title of an event as what was expected would mean that no reason was found
        expect(issue.expected).not.toContain('of CDEvents 0.4.1');
        expect(issue.message).toContain(issue.path);
      }
    }
  });

  it.each([
    ['subject.id', '', 'non-empty string'],
    ['subject.source', 'not a reference', 'non-empty URI-reference'],
    ['context.timestamp', 'yesterday', 'RFC 3339 date-time'],
    ['context.schemaUri', '/relative', 'absolute URI'],
    ['context.links', {}, 'list of object or object or object'],
    ['context.links.0.linkType', 'START', 'one of "END", "PATH", "RELATION"'],
    ['context.links.0.from.contextId', 7, 'non-empty string'],
    ['subject.type', 'artifact', '"service"'],
    ['subject.content.environment.id', null, 'non-empty string'],
    ['customData', 7, 'object or string'],
  ])('%s of %j: expected %s', (path, value, expected) => {
    const event = structuredClone(aCDEvent('service.deployed', '0.4'));
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    const parent = keys.reduce<unknown>((object, key) => (object as Record<string, unknown>)[key], event);
    (parent as Record<string, unknown>)[last] = value;
    expect(validate(event)).toMatchObject([{ path, expected }]);
  });

  it.each([
    [null, ''],
    [[], 'context'],
    [{}, 'context'],
    [{ context: {} }, 'context.type'],
    [{ context: { type: 'dev.cdevents.service.deployed.7.0.0' } }, 'context.type'],
  ])('finds no event in %j', (value, path) => expect(validate(value)).toMatchObject([{ path }]));

  it('lets a field that is undefined pass for one that is not there', () => {
    const event = aCDEvent('incident.detected', '0.4', false);
    event.subject.content.service = undefined;
    expect(validate(event)).toEqual([]);
  });

  it('does not take a key of the prototype for a field', () => {
    const text = JSON.stringify(aCDEvent('build.started', '0.5')).replace('"content":{', '"content":{"__proto__":{}');
    expect(validate(JSON.parse(text))).toMatchObject([{ path: 'subject.content.__proto__' }]);
  });
});

describe('parse', () => {
  it('reads text and objects, custom events too', () => {
    for (const event of [aCDEvent('change.merged', '0.3'), aCustomEvent('0.4'), aCustomEvent('0.5')]) {
      expect(parse(JSON.stringify(event))).toEqual(event);
      expect(parse(event)).toBe(event);
    }
  });

  it.each([
    ['{', 'CDE_INVALID_JSON'],
    ['', 'CDE_INVALID_JSON'],
    ['null', 'CDE_INVALID_EVENT'],
    ['{"context": {"type": "com.example"}}', 'CDE_UNKNOWN_TYPE'],
    ['{"context": {"type": "dev.cdevents.build.started.0.2.0"}}', 'CDE_INVALID_EVENT'],
  ])('refuses %s with %s', (text, code) => {
    expect(safeParse(text)).toMatchObject({ success: false, code });
    expect(() => parse(text)).toThrow(expect.objectContaining({ code, name: 'CDEventsError' }) as CDEventsError);
  });

  it('keeps a body that is not JSON out of its message', () => {
    expect(() => parse('token=secret')).toThrow(/^(?!.*secret)/);
  });
});

describe('what an event is', () => {
  it('is told by its type', () => {
    const event = aCDEvent('service.deployed', '0.4');
    expect(isEvent(event, 'service.deployed')).toBe(true);
    expect(isEvent(event, 'service.deployed', '0.5')).toBe(false);
    expect(isEvent(event, 'service.upgraded')).toBe(false);
    expect(isCustomEvent(event)).toBe(false);
    expect(isCustomEvent(aCustomEvent('0.5'))).toBe(true);
    expect([aCustomEvent('0.4'), aCustomEvent('0.5'), event].map(specVersionOf)).toEqual(['0.4', '0.5', '0.4']);
  });
});

describe('links that travel alone', () => {
  const start = { linkType: 'START', chainId: 'c', timestamp: '2024-05-06T07:08:09Z', start: { contextId: 'a' } };

  it('are told apart by their type', () => {
    expect(validateLink(start)).toEqual([]);
    expect(isLink(start)).toBe(true);
    expect(isLink(start, 'END')).toBe(false);
  });

  it.each([
    [null, ''],
    [{ linkType: 'MIDDLE' }, 'linkType'],
    [{ ...start, start: {} }, 'start.contextId'],
    [{ ...start, timestamp: 'then' }, 'timestamp'],
  ])('%j is refused', (link, path) => expect(validateLink(link)).toMatchObject([{ path }]));
});
