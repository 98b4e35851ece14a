import type { EventController } from '../flux/controllers.ts';
import { type FluxEvent, toFluxEvent } from '../flux/event.ts';
import { restorePrefixes } from '../flux/metadata.ts';
import type { WrittenEvent } from './cases.ts';

/** The time of the first event of a case, unless it has one. */
export const FIRST_EVENT_AT = Date.parse('2026-01-01T12:00:00Z');
/** The time between two events. */
export const STEP_MS = 60_000;

const KINDS: Readonly<Record<string, readonly [apiVersion: string, controller: EventController]>> = {
  HelmRelease: ['helm.toolkit.fluxcd.io/v2', 'helm-controller'],
  Kustomization: ['kustomize.toolkit.fluxcd.io/v1', 'kustomize-controller'],
  GitRepository: ['source.toolkit.fluxcd.io/v1', 'source-controller'],
  OCIRepository: ['source.toolkit.fluxcd.io/v1', 'source-controller'],
  HelmRepository: ['source.toolkit.fluxcd.io/v1', 'source-controller'],
  HelmChart: ['source.toolkit.fluxcd.io/v1', 'source-controller'],
  Bucket: ['source.toolkit.fluxcd.io/v1', 'source-controller'],
  ExternalArtifact: ['source.toolkit.fluxcd.io/v1', 'source-watcher'],
  ArtifactGenerator: ['source.extensions.fluxcd.io/v1beta1', 'source-watcher'],
  ImageRepository: ['image.toolkit.fluxcd.io/v1', 'image-reflector-controller'],
  ImagePolicy: ['image.toolkit.fluxcd.io/v1', 'image-reflector-controller'],
  ImageUpdateAutomation: ['image.toolkit.fluxcd.io/v1', 'image-automation-controller'],
};

/** Reasons that Flux reports with severity error. */
const isFailure = (reason: string): boolean => /(?:Failed|Error|Denied|DriftDetected)$/.test(reason);

/**
 * Completes the partial Flux event of a case.
 * @param at its time unless it has a timestamp, epoch ms
 * @throws {FluxCDEventsError} `FCE_EVENT_INVALID`
 */
export function completeEvent({ involvedObject, metadata = {}, ...written }: WrittenEvent, at: number): FluxEvent {
  const { kind = 'HelmRelease' } = involvedObject ?? {};
  const [apiVersion = '', reportingController = ''] = KINDS[kind] ?? [];
  const bare = Object.entries(metadata).filter(([key]) => !key.includes('/'));
  const prefixed = Object.entries(metadata).filter(([key]) => key.includes('/'));
  const event = toFluxEvent(
    {
      severity: isFailure(written.reason) ? 'error' : 'info',
      message: written.reason,
      reportingController,
      ...written,
      involvedObject: { kind, namespace: 'apps', name: 'podinfo', apiVersion, ...involvedObject },
      metadata: Object.fromEntries(bare),
    },
    at,
  );
  const restored = { ...restorePrefixes(event).metadata, ...Object.fromEntries(prefixed) };
  return { ...event, ...(Object.keys(restored).length > 0 && { metadata: restored }) };
}
