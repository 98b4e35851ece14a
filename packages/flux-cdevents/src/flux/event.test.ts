import { describe, expect, it } from 'vitest';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { millisecondsOf } from '../../test/helpers/processor-time.ts';
import { parseFluxEvent } from './event.ts';

const NOW = Date.parse('2026-11-24T08:00:00Z');
const parse = (event: unknown) => parseFluxEvent(JSON.stringify(event), NOW);
const minimal = { involvedObject: { kind: 'HelmRelease', namespace: 'apps', name: 'web' }, reason: 'InstallSucceeded' };

const numbered = (count: number) => Array.from({ length: count }, (_, index) => [`key-${index}`, index]);

describe('parseFluxEvent', () => {
  it('reads v1beta1, the event of Flux up to 2.9', () => {
    const event = aFluxEvent({ reportingInstance: 'helm-controller-0' });
    expect(parse(event)).toEqual(event);
  });

  it('reads v1, which has an action and a related object', () => {
    const event = aFluxEvent({ action: 'HelmUpgrade', relatedObject: { kind: 'HelmChart', name: 'apps-podinfo' } });
    expect(parse(event)).toEqual(event);
  });

  it('fills in what delivery needs and the sender may leave out', () => {
    expect(parse({ ...minimal, timestamp: null, metadata: null })).toEqual({
      ...minimal,
      severity: 'info',
      timestamp: '2026-11-24T08:00:00.000Z',
      message: '',
      reportingController: '',
    });
  });

  it('leaves out what it does not know', () => {
    expect(parse({ ...minimal, series: { count: 3 } })).not.toHaveProperty('series');
  });

  it.each<[string, unknown, string]>([
    ['a list', [], 'body'],
    ['null', null, 'body'],
    ['no involvedObject', { reason: 'X' }, 'involvedObject'],
    ['no kind', { ...minimal, involvedObject: { namespace: 'a', name: 'b' } }, 'kind'],
    ['an empty name', { ...minimal, involvedObject: { kind: 'K', namespace: 'a', name: '' } }, 'involvedObject.name'],
    ['no namespace', { ...minimal, involvedObject: { kind: 'K', name: 'b' } }, 'namespace'],
    ['no reason', { involvedObject: minimal.involvedObject }, 'reason'],
    ['a numeric message', { ...minimal, message: 1 }, 'message'],
    ['metadata that is no map of strings', { ...minimal, metadata: { a: 1 } }, 'metadata'],
    ['a timestamp that is none', { ...minimal, timestamp: 'yesterday' }, 'timestamp'],
    ['a timestamp in another form', { ...minimal, timestamp: 'Tue, 24 Nov 2026 08:00:00 GMT' }, 'timestamp'],
  ])('refuses %s', (_, event, where) => {
    expect(() => parse(event)).toThrow(
      expect.objectContaining({ code: 'FCE_EVENT_INVALID', message: expect.stringContaining(where) }),
    );
  });

  it('refuses a field that is longer than any name, and metadata that is longer than all annotations of an object', () => {
    const long = 'x'.repeat(1025);
    const { involvedObject } = minimal;
    expect(() => parse({ ...minimal, involvedObject: { ...involvedObject, name: long } })).toThrow(
      'involvedObject.name: expected at most 1,024 characters, found more',
    );
    expect(() => parse({ ...minimal, reason: long })).toThrow('reason: expected at most 1,024 characters');
    expect(() => parse({ ...minimal, metadata: { a: 'x'.repeat(524_288) } })).toThrow(
      'metadata: expected at most 524,288 characters',
    );
    expect(parse({ ...minimal, message: 'x'.repeat(3_000_000) }).message).toHaveLength(3_000_000);
  });

  it('reads half a surrogate pair as Go does', () => {
    const halves = {
      ...minimal,
      reportingController: 'a\ud800',
      metadata: { 'k\udc00': '\ud83d', whole: '\ud83d\ude00' },
    };
    expect(parse(halves)).toMatchObject({
      reportingController: 'a\ufffd',
      metadata: { 'k\ufffd': '\ufffd', whole: '\ud83d\ude00' },
    });
  });

  it.each<[string, string]>([
    ['200,000 wrong metadata values', JSON.stringify({ ...minimal, metadata: Object.fromEntries(numbered(200_000)) })],
    ['9,000 wrong metadata values', JSON.stringify({ ...minimal, metadata: Object.fromEntries(numbered(9_000)) })],
    ['lists 1,500,000 deep', '['.repeat(1_500_000) + ']'.repeat(1_500_000)],
    ['a metadata key of 3 MB', JSON.stringify({ ...minimal, metadata: { ['k'.repeat(3_000_000)]: 1 } })],
    ['a timestamp of 3 MB', JSON.stringify({ ...minimal, timestamp: `2026-11-24T08:00:00.${'0'.repeat(3_000_000)}Z` })],
    ['200,000 related fields', JSON.stringify({ ...minimal, relatedObject: Object.fromEntries(numbered(200_000)) })],
    ['3 MB of quotes', JSON.stringify({ ...minimal, reason: '\\"'.repeat(750_000) })],
  ])('refuses %s at once and briefly', (_, body) => {
    let message = '';
    const spent = millisecondsOf(() => {
      try {
        parseFluxEvent(body, NOW);
      } catch (error) {
        ({ message } = error as Error);
      }
    });
    expect(message).toContain('expected');
    expect(message.length).toBeLessThan(500);
    expect(spent).toBeLessThan(100);
  });

  it.each(['', '{', 'involvedObject: {}'])('refuses %j, which is not JSON', (body) => {
    expect(() => parseFluxEvent(body, NOW)).toThrow(expect.objectContaining({ code: 'FCE_EVENT_INVALID' }));
  });
});
