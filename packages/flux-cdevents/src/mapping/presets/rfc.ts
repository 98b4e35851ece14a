import type { Emit, Mapping } from '../rules/mapping-model.ts';
import { helmRelease, KUSTOMIZATION_FAILURES, reasonIn, rule } from './rule.ts';

const helmOrKustomization = "event.involvedObject.kind in ['HelmRelease', 'Kustomization']";

const environmentModified: Emit = { type: 'environment.modified' };
const incidentDetected: Emit = { type: 'incident.detected' };
const taskRunFinished: Emit = { type: 'taskrun.finished' };
const testCaseRunFinished: Emit = { type: 'testcaserun.finished' };

/**
 * The table of the Flux RFC "CDEvents Provider", letter by letter. It writes the outcome of a failed upgrade as
 * "failed", a value that no version of CDEvents has: `failure` is sent. The two Reconciliation rows come from the
 * kustomize-controller today, whose failures carry the reason of what failed.
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
      // The reason of a Kustomization's event is that of its last Ready condition: a deletion that fails reads so.
      `${helmOrKustomization} && event.reason == 'ReconciliationSucceeded' && event.severity == 'error'`,
      incidentDetected,
    ),
    rule('reconciliation-failed', helmRelease('ReconciliationFailed'), incidentDetected),
    rule(
      'kustomization-failed',
      // Without the severity of an error it is a deletion that went well, of a Kustomization that was not well before.
      `event.involvedObject.kind == 'Kustomization' && event.severity == 'error' && ${reasonIn(KUSTOMIZATION_FAILURES)}`,
      incidentDetected,
    ),
  ],
};
