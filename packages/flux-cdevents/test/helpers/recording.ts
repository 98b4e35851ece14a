import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FluxEvent } from '../../src/flux/event.ts';

/** What real controllers posted, recorded; it lies beside the repository. */
const file = fileURLToPath(new URL('../../../../../shared/data/flux-events/events.jsonl', import.meta.url));

export const recordingIsHere = existsSync(file);

/** The bodies, in the order in which they were posted; none where the recording is not. */
export const recordedBodies: readonly string[] = recordingIsHere ? readFileSync(file, 'utf8').trim().split('\n') : [];

/** Some were posted twice within one second, word for word: they are one event. */
export const distinctBodies: readonly string[] = [
  ...new Map(
    recordedBodies.map((body) => {
      const { involvedObject, reason, message, timestamp } = JSON.parse(body) as FluxEvent;
      return [JSON.stringify([involvedObject.uid, reason, message, timestamp]), body] as const;
    }),
  ).values(),
];

/** How many CDEvents the recording becomes under each preset, by what they are made of; the same in every spec version. */
export const RECORDED_TABLES = {
  rfc: {
    'HelmRelease InstallFailed → incident.detected': 2,
    'HelmRelease InstallSucceeded → environment.modified': 5,
    'HelmRelease RollbackFailed → taskrun.finished': 1,
    'HelmRelease RollbackSucceeded → taskrun.finished': 5,
    'HelmRelease TestFailed → testcaserun.finished': 4,
    'HelmRelease TestSucceeded → testcaserun.finished': 1,
    'HelmRelease UninstallFailed → incident.detected': 1,
    'HelmRelease UninstallSucceeded → environment.modified': 4,
    'HelmRelease UpgradeFailed → taskrun.finished': 3,
    'HelmRelease UpgradeSucceeded → taskrun.finished': 4,
    'Kustomization ArtifactFailed → incident.detected': 6,
    'Kustomization HealthCheckFailed → incident.detected': 1,
    'Kustomization ReconciliationFailed → incident.detected': 2,
    'Kustomization ReconciliationSucceeded → environment.modified': 9,
  },
  service: {
    'HelmRelease InstallFailed → taskrun.finished': 2,
    'HelmRelease InstallSucceeded → service.deployed': 5,
    'HelmRelease RollbackFailed → taskrun.finished': 1,
    'HelmRelease RollbackSucceeded → service.rolledback': 5,
    'HelmRelease TestFailed → incident.detected': 3,
    'HelmRelease TestFailed → testsuiterun.finished': 4,
    'HelmRelease TestSucceeded → testsuiterun.finished': 1,
    'HelmRelease UninstallFailed → taskrun.finished': 1,
    'HelmRelease UninstallSucceeded → service.removed': 2,
    'HelmRelease UninstallSucceeded → taskrun.finished': 2,
    'HelmRelease UpgradeFailed → incident.detected': 2,
    'HelmRelease UpgradeFailed → taskrun.finished': 3,
    'HelmRelease UpgradeSucceeded → incident.resolved': 3,
    'HelmRelease UpgradeSucceeded → service.upgraded': 4,
    'HelmRelease ValuesError → taskrun.finished': 7,
    'Kustomization ArtifactFailed → incident.detected': 5,
    'Kustomization HealthCheckFailed → incident.detected': 1,
    'Kustomization ReconciliationFailed → incident.detected': 1,
    'Kustomization ReconciliationSucceeded → environment.modified': 9,
    'Kustomization ReconciliationSucceeded → incident.resolved': 1,
  },
} as const;

/** Successes of Kustomizations in it that are no news. */
export const RECORDED_UNCHANGED = 6;
