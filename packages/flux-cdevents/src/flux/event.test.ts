import { describe, expect, it } from 'vitest';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { parseFluxEvent } from './event.ts';

const NOW = Date.parse('2026-11-24T08:00:00Z');
const parse = (event: unknown) => parseFluxEvent(JSON.stringify(event), NOW);
const minimal = { involvedObject: { kind: 'HelmRelease', namespace: 'apps', name: 'web' }, reason: 'InstallSucceeded' };

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

  it.each(['', '{', 'involvedObject: {}'])('refuses %j, which is not JSON', (body) => {
    expect(() => parseFluxEvent(body, NOW)).toThrow(expect.objectContaining({ code: 'FCE_EVENT_INVALID' }));
  });
});
