import type { Emit, Mapping } from '../rules/mapping-model.ts';
import { helmRelease, KUSTOMIZATION_FAILURES, optionalRule, reasonIn, rule } from './rule.ts';

const kustomization = "event.involvedObject.kind == 'Kustomization'";
const isRemediation = "taskRun.name == 'helm-uninstall-remediation'";
const failedBefore = reasonIn(KUSTOMIZATION_FAILURES);

const taskRunFinished: Emit = { type: 'taskrun.finished' };
const testSuiteRunFinished: Emit = { type: 'testsuiterun.finished' };
const detected: Emit = { type: 'incident.detected', incident: { cause: 'failure' } };
const detectedPerRevision: Emit = {
  type: 'incident.detected',
  incident: { cause: 'failure', oncePer: 'event.metadata.?revision' },
};
const resolved: Emit = { type: 'incident.resolved', incident: {} };

/**
 * The preset that speaks the vocabulary of CDEvents. An object has at most one open incident: the first failure detects it,
 * and the next success resolves it, unless that is only a repair (a rollback, an uninstall after a failed install).
 */
export const service: Mapping = {
  rules: [
    rule('install-succeeded', helmRelease('InstallSucceeded'), { type: 'service.deployed' }, resolved),
    rule('upgrade-succeeded', helmRelease('UpgradeSucceeded'), { type: 'service.upgraded' }, resolved),
    rule('rollback-succeeded', helmRelease('RollbackSucceeded'), { type: 'service.rolledback' }),
    rule('remediation-succeeded', `${helmRelease('UninstallSucceeded')} && ${isRemediation}`, taskRunFinished),
    rule('uninstall-succeeded', helmRelease('UninstallSucceeded'), { type: 'service.removed' }, resolved),
    rule('test-succeeded', helmRelease('TestSucceeded'), testSuiteRunFinished, resolved),
    rule('test-failed', helmRelease('TestFailed'), testSuiteRunFinished, detected),
    rule('install-or-uninstall-failed', helmRelease('InstallFailed', 'UninstallFailed'), taskRunFinished),
    rule('upgrade-or-rollback-failed', helmRelease('UpgradeFailed', 'RollbackFailed'), taskRunFinished, detected),
    rule('preparation-failed', helmRelease('ArtifactFailed', 'ValuesError', 'AccessDenied'), taskRunFinished),
    optionalRule('drift', 'drift-detected', helmRelease('DriftDetected', 'DriftCorrectionFailed'), {
      type: 'incident.detected',
      incident: { cause: 'drift' },
    }),
    optionalRule('drift', 'drift-corrected', helmRelease('DriftCorrected'), {
      type: 'incident.resolved',
      incident: { cause: 'drift' },
    }),
    rule('kustomization-failed', `${kustomization} && event.severity == 'error'`, detectedPerRevision),
    rule(
      'kustomization-succeeded',
      `${kustomization} && event.reason == 'ReconciliationSucceeded'`,
      { type: 'environment.modified' },
      resolved,
    ),
    rule(
      'kustomization-removed',
      // The reason is that of the last Ready condition, so a Kustomization that is deleted after a failure reports it.
      `${kustomization} && (event.?action.orValue('') == 'Finalize' || ${failedBefore})`,
      { type: 'environment.modified' },
      resolved,
    ),
    optionalRule(
      'artifacts',
      'artifact-published',
      "event.reportingController == 'source-controller' && " +
        reasonIn(['NewArtifact', 'ChartPullSucceeded', 'ChartPackageSucceeded']),
      { type: 'artifact.published' },
    ),
  ],
};
