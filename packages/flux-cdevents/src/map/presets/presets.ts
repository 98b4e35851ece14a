import type { PresetName } from '../../flux/provider.ts';
import type { Emit, Mapping, Rule } from '../rules/mapping.ts';

const rule = (name: string, match: string, ...emit: Emit[]): Rule => ({ name, match, emit });

const helmOrKustomization = "event.involvedObject.kind in ['HelmRelease', 'Kustomization']";
const helmRelease = (reason: string) => `event.involvedObject.kind == 'HelmRelease' && event.reason == '${reason}'`;

const environmentModified: Emit = { type: 'environment.modified' };
const incidentDetected: Emit = { type: 'incident.detected' };
const taskRunFinished: Emit = { type: 'taskrun.finished' };
const testCaseRunFinished: Emit = { type: 'testcaserun.finished' };

/**
 * The table of the Flux RFC "CDEvents Provider", letter by letter. It writes the outcome of a failed upgrade as
 * "failed", a value that no version of CDEvents has: `failure` is sent. The two Reconciliation rows come from the
 * kustomize-controller today, whose failures carry the reason of what failed.
 */
const rfc: Mapping = {
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
    rule('reconciliation-failed', `${helmOrKustomization} && event.reason == 'ReconciliationFailed'`, incidentDetected),
    rule(
      'kustomization-failed',
      "event.involvedObject.kind == 'Kustomization' && event.severity == 'error' && " +
        "event.reason in ['BuildFailed', 'PruneFailed', 'HealthCheckFailed', 'ArtifactFailed']",
      incidentDetected,
    ),
  ],
};

export const presets: Readonly<Record<PresetName, Mapping>> = { rfc, service: { rules: [] }, none: { rules: [] } };
export const presetNames = Object.keys(presets) as readonly PresetName[];
