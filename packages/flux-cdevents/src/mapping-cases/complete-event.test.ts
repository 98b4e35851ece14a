import { describe, expect, it } from 'vitest';
import type { WrittenEvent } from './cases.ts';
import { completeEvent } from './complete-event.ts';

const AT = Date.parse('2026-01-01T12:00:00Z');
const complete = (written: Partial<WrittenEvent>) => completeEvent({ reason: 'UpgradeSucceeded', ...written }, AT);

describe('a written event', () => {
  it('needs no more than a reason', () => {
    expect(complete({})).toEqual({
      involvedObject: {
        kind: 'HelmRelease',
        namespace: 'apps',
        name: 'podinfo',
        apiVersion: 'helm.toolkit.fluxcd.io/v2',
      },
      severity: 'info',
      timestamp: '2026-01-01T12:00:00.000Z',
      message: 'UpgradeSucceeded',
      reason: 'UpgradeSucceeded',
      reportingController: 'helm-controller',
    });
  });

  it.each([
    ['UpgradeFailed', 'error'],
    ['ValuesError', 'error'],
    ['AccessDenied', 'error'],
    ['DriftDetected', 'error'],
    ['DriftCorrected', 'info'],
    ['DependencyNotReady', 'info'],
  ])('%s has severity %s', (reason, severity) => expect(complete({ reason }).severity).toBe(severity));

  it.each([
    ['Kustomization', 'kustomize.toolkit.fluxcd.io/v1', 'kustomize-controller'],
    ['OCIRepository', 'source.toolkit.fluxcd.io/v1', 'source-controller'],
    ['ImagePolicy', 'image.toolkit.fluxcd.io/v1', 'image-reflector-controller'],
    ['Canary', undefined, ''],
  ])('of a %s comes from its controller', (kind, apiVersion, reportingController) => {
    const event = complete({ involvedObject: { kind } });
    expect([event.involvedObject.apiVersion, event.reportingController]).toEqual([apiVersion, reportingController]);
  });

  it('gets the prefixes of its metadata that are left out', () => {
    const metadata = { revision: '1.0.0', environment: 'production', 'acme.example/team': 'web' };
    expect(complete({ metadata }).metadata).toEqual({
      'helm.toolkit.fluxcd.io/revision': '1.0.0',
      'event.toolkit.fluxcd.io/environment': 'production',
      'acme.example/team': 'web',
    });
  });

  it('keeps what is written', () => {
    const written = {
      involvedObject: {
        kind: 'HelmRelease',
        namespace: 'a',
        name: 'b',
        apiVersion: 'helm.toolkit.fluxcd.io/v2beta2',
        uid: 'u',
      },
      severity: 'error',
      timestamp: '2026-05-05T05:05:05Z',
      message: 'm',
      reportingController: 'mine',
      action: 'HelmUpgrade',
      relatedObject: { kind: 'Pod' },
    } as const;
    expect(complete(written)).toEqual({ reason: 'UpgradeSucceeded', ...written });
  });
});
