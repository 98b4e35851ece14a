import { describe, expect, it } from 'vitest';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import type { FluxEvent } from './event.ts';
import { duplicateKey, groupValue, mergeMetadata, restorePrefixes, userValue } from './metadata.ts';

const alertWith = (spec: { eventMetadata?: Record<string, string>; summary?: string }) => ({
  spec: { providerRef: { name: 'hub' }, eventSources: [], ...spec },
});

describe('mergeMetadata', () => {
  const event = aFluxEvent({
    metadata: {
      'event.toolkit.fluxcd.io/env': 'staging',
      'event.toolkit.fluxcd.io/revision': 'from the user',
      'helm.toolkit.fluxcd.io/revision': '6.5.1',
      'helm.toolkit.fluxcd.io/token': 'sha256:e3b0',
      'helm.toolkit.fluxcd.io/Digest': 'sha256:aaaa',
      'helm.toolkit.fluxcd.io/checksum': 'bbbb',
      'helm.toolkit.fluxcd.io/oci-digest': 'sha256:cccc',
      'kustomize.toolkit.fluxcd.io/revision': 'of another group',
      'no-prefix': 'x',
    },
  });

  it('keeps keys of the user and of the own group, without their prefix, and withholds token and digests', () => {
    expect(mergeMetadata(event, undefined).metadata).toEqual({
      env: 'staging',
      revision: '6.5.1',
      'oci-digest': 'sha256:cccc',
    });
  });

  it('keeps keys that mean something to JavaScript', () => {
    const metadata = Object.fromEntries(
      ['constructor', '__proto__', 'toString'].map((key) => [`event.toolkit.fluxcd.io/${key}`, 'a']),
    );
    const { metadata: merged, conflicts } = mergeMetadata(aFluxEvent({ metadata }), undefined);
    expect(Object.entries(merged)).toEqual([
      ['constructor', 'a'],
      ['__proto__', 'a'],
      ['toString', 'a'],
    ]);
    expect(conflicts).toEqual([]);
  });

  it('lets later sources win: annotations, eventMetadata, summary, controller', () => {
    const alert = alertWith({ eventMetadata: { env: 'prod', revision: 'alert', summary: 'a' }, summary: 'b' });
    expect(mergeMetadata(event, alert)).toEqual({
      metadata: { env: 'prod', revision: '6.5.1', summary: 'b', 'oci-digest': 'sha256:cccc' },
      conflicts: [
        { key: 'env', sources: ['involved object annotations', 'Alert object .spec.eventMetadata'] },
        {
          key: 'revision',
          sources: [
            'involved object annotations',
            'Alert object .spec.eventMetadata',
            'involved object controller metadata',
          ],
        },
        { key: 'summary', sources: ['Alert object .spec.eventMetadata', 'Alert object .spec.summary'] },
      ],
    });
  });

  it('keeps nothing of a group for an object of the core group', () => {
    const pod = aFluxEvent({
      involvedObject: { apiVersion: 'v1' },
      metadata: { '/revision': '1', 'helm.toolkit.fluxcd.io/revision': '2' },
    });
    expect(mergeMetadata(pod, undefined).metadata).toEqual({});
  });
});

describe('duplicateKey', () => {
  const key = duplicateKey(aFluxEvent());

  it.each<[string, FluxEvent]>([
    ['timestamp', aFluxEvent({ timestamp: '2026-11-24T07:50:00Z' })],
    ['API version', aFluxEvent({ involvedObject: { apiVersion: 'helm.toolkit.fluxcd.io/v3' } })],
    ['reporting instance', aFluxEvent({ reportingInstance: 'another' })],
  ])('does not depend on the %s', (_, event) => expect(duplicateKey(event)).toBe(key));

  it.each<[string, FluxEvent]>([
    ['name', aFluxEvent({ involvedObject: { name: 'b' } })],
    ['namespace', aFluxEvent({ involvedObject: { namespace: 'b' } })],
    ['kind', aFluxEvent({ involvedObject: { kind: 'B' } })],
    ['uid', aFluxEvent({ involvedObject: { uid: 'b' } })],
    ['message', aFluxEvent({ message: 'b' })],
    ['reason', aFluxEvent({ reason: 'UpgradeFailed' })],
    ['severity', aFluxEvent({ severity: 'error' })],
    ['revision', aFluxEvent({ metadata: { 'helm.toolkit.fluxcd.io/revision': '7' } })],
    ['token', aFluxEvent({ metadata: { 'helm.toolkit.fluxcd.io/revision': '6.5.1' } })],
  ])('depends on the %s', (_, event) => expect(duplicateKey(event)).not.toBe(key));
});

describe('restorePrefixes', () => {
  it('gives controllers and users their keys back', () => {
    const metadata = { revision: '6.5.1', 'app-version': '6', 'oci-digest': 'sha256:1', chainId: 'c1', env: 'prod' };
    const event = restorePrefixes(aFluxEvent({ metadata }));
    expect(event.metadata).toEqual({
      'helm.toolkit.fluxcd.io/revision': '6.5.1',
      'helm.toolkit.fluxcd.io/app-version': '6',
      'helm.toolkit.fluxcd.io/oci-digest': 'sha256:1',
      'event.toolkit.fluxcd.io/chainId': 'c1',
      'event.toolkit.fluxcd.io/env': 'prod',
    });
    expect(groupValue(event, 'revision')).toBe('6.5.1');
    expect(userValue(event, 'chainId')).toBe('c1');
  });

  it('is undone by a merge, whatever the keys', () => {
    const metadata = {
      revision: 'main@sha1:1',
      commit_status: 'update',
      originRevision: 'x',
      token: 'of a user',
      'a/b': '',
    };
    expect(mergeMetadata(restorePrefixes(aFluxEvent({ metadata })), undefined)).toEqual({ metadata, conflicts: [] });
  });

  it('knows no controller without an API group', () => {
    const { metadata: _, ...bare } = aFluxEvent();
    expect(restorePrefixes(bare)).toEqual(bare);
    const event = {
      ...aFluxEvent({ metadata: { revision: '1' } }),
      involvedObject: { kind: 'Pod', namespace: 'a', name: 'b' },
    };
    expect(restorePrefixes(event).metadata).toEqual({ 'event.toolkit.fluxcd.io/revision': '1' });
  });
});
