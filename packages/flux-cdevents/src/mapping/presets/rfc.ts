import type { Emit, Mapping } from '../rules/mapping-model.ts';
import { helmRelease, KUSTOMIZATION_FAILURES, reasonIn, rule } from './rule.ts';

const helmOrKustomization = "event.involvedObject.kind in ['HelmRelease', 'Kustomization']";

const environmentModified: Emit = { type: 'environment.modified' };
const incidentDetected: Emit = { type: 'incident.detected' };
const taskRunFinished: Emit = { type: 'taskrun.finished' };
const testCaseRunFinished: Emit = { type: 'testcaserun.finished' };

/**
 * The table of the Flux RFC "CDEvents Provider", letter by letter. Its outcome of a failed upgrade, "failed", exists in no
 * version of CDEvents, so `failure` is sent. The two Reconciliation rows come from the kustomize-controller today, whose
 * failures have the reason of the step that failed.
 */
export const rfc: Mapping = {
  rules: [
    rule('install-succeeded', helmRelease('InstallSucceeded'), environmentModified),
    rule('install-failed', helmRelease('InstallFailed'), incidentDetected),
    rule('upgrade-succeeded', helmRelease('UpgradeSucceeded'), taskRunFinished),
    rule('upgrade-failed', helmRelease('UpgradeFailed'), taskRunFinished),
    rule('test-succeeded', helmRelease('TestSucceeded'), testCaseRunFinished),
    rule('test-failed', helmRelease('TestFailed'), testCaseRunFinished),
    rule('rollback-succeeded', helmRelease('RollbackSucceeded'), taskRunFinished),
    rule('rollback-failed', helmRelease('RollbackFailed'), taskRunFinished),
    rule('uninstall-succeeded', helmRelease('UninstallSucceeded'), environmentModified),
    rule('uninstall-failed', helmRelease('UninstallFailed'), incidentDetected),
    rule(
      'reconciliation-succeeded',
      `${helmOrKustomization} && event.reason == 'ReconciliationSucceeded' && event.severity != 'error'`,
      environmentModified,
    ),
    rule(
      'deletion-failed',
      // The reason is that of the last Ready condition, so a deletion that fails reports it.
      `${helmOrKustomization} && event.reason == 'ReconciliationSucceeded' && event.severity == 'error'`,
      incidentDetected,
    ),
    rule('reconciliation-failed', helmRelease('ReconciliationFailed'), incidentDetected),
    rule(
      'kustomization-failed',
      // With another severity it is the successful deletion of a Kustomization that failed before.
      `event.involvedObject.kind == 'Kustomization' && event.severity == 'error' && ${reasonIn(KUSTOMIZATION_FAILURES)}`,
      incidentDetected,
    ),
  ],
};
