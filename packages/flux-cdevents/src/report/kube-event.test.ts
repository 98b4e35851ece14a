import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shorten, toKubeEvent } from './kube-event.ts';
import type { Report } from './reporter.ts';

const report: Report = {
  about: { kind: 'Alert', namespace: 'apps', name: 'all' },
  reason: 'InvalidConfig',
  message: 'wrong',
};
const reference = {
  kind: 'Alert',
  apiVersion: 'notification.toolkit.fluxcd.io/v1',
  namespace: 'apps',
  name: 'all',
  uid: 'u-1',
  resourceVersion: '7',
};
const context = { at: new Date('2026-01-02T03:04:05.678Z'), instance: 'pod-1' };

it('is an Event as the recorders of Flux write it', () => {
  expect(toKubeEvent(report, reference, context)).toEqual({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: expect.stringMatching(/^all\.[0-9a-f]{16}$/), namespace: 'apps' },
    involvedObject: reference,
    type: 'Warning',
    reason: 'InvalidConfig',
    message: 'wrong',
    source: { component: 'flux-cdevents' },
    reportingComponent: 'flux-cdevents',
    reportingInstance: 'pod-1',
    firstTimestamp: '2026-01-02T03:04:05Z',
    lastTimestamp: '2026-01-02T03:04:05Z',
    count: 1,
  });
});

it('keeps its name within what an API server takes', () => {
  const event = toKubeEvent(report, { ...reference, name: 'a'.repeat(253) }, context) as { metadata: { name: string } };
  expect(event.metadata.name.length).toBeLessThanOrEqual(253);
});

describe('shorten', () => {
  it('leaves what fits', () => expect(shorten('äöü', 6)).toBe('äöü'));

  it('keeps to the bytes and to whole characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 3, max: 40 }), (text, max) => {
        const short = shorten(text, max);
        expect(Buffer.byteLength(short)).toBeLessThanOrEqual(Math.max(max, 3));
        if (short !== text) expect(text.startsWith(short.slice(0, -1))).toBe(true);
      }),
    );
  });
});
