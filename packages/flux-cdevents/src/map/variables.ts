import type { FluxEvent } from '../flux/event.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { MappingVariables } from '../mapping/variables-schema.ts';
import type { SpecVersion } from '../provider/provider.ts';
import { artifactIdOf } from './artifact-id.ts';
import type { EventFacts } from './cdevent.ts';
import type { HelmFacts } from './messages.ts';

const ACTIONS: readonly (readonly [prefix: string, action: string])[] = [
  ['Install', 'install'],
  ['Upgrade', 'upgrade'],
  ['Test', 'test'],
  ['Rollback', 'rollback'],
  ['Uninstall', 'uninstall'],
];
/** Reasons for which a HelmRelease does not get as far as an action. */
const PREPARATION_FAILURES = new Set(['ArtifactFailed', 'ValuesError', 'AccessDenied']);

const isHelmRelease = (event: FluxEvent) => event.involvedObject.kind === 'HelmRelease';

/** The task that an event reports on: `helm-upgrade`, `helm-uninstall-remediation`; outside of actions `helm-reconcile`. */
function taskNameOf(event: FluxEvent, { remediation }: HelmFacts): string {
  if (!isHelmRelease(event)) return 'reconcile';
  const action = ACTIONS.find(([prefix]) => event.reason.startsWith(prefix))?.[1] ?? 'reconcile';
  return action === 'uninstall' && remediation ? 'helm-uninstall-remediation' : `helm-${action}`;
}

/** How the task ended, in the words of the spec version: before 0.5 a test has the outcome `pass` or `fail`. */
function outcomeOf(event: FluxEvent, taskName: string, version: SpecVersion): string {
  if (isHelmRelease(event) && PREPARATION_FAILURES.has(event.reason)) return 'error';
  const failed = event.severity === 'error' || event.reason.endsWith('Failed');
  if (taskName === 'helm-test' && version !== '0.5') return failed ? 'fail' : 'pass';
  return failed ? 'failure' : 'success';
}

/** `environment` or `env` of the metadata, else the namespace, preceded by the cluster when that is known. */
export const environmentIdOf = (
  event: FluxEvent,
  metadata: Readonly<Record<string, string>>,
  cluster: string | undefined,
): string => {
  const { namespace } = event.involvedObject;
  return metadata.environment || metadata.env || (cluster ? `${cluster}/${namespace}` : namespace);
};

/** The variables of the expressions of a mapping, except `incident`: that one differs for each CDEvent. */
export function variablesOf(
  facts: EventFacts,
  {
    alert,
    provider,
    chainId,
  }: { readonly alert: NamespacedName; readonly provider: NamespacedName; readonly chainId: string },
): Omit<MappingVariables, 'incident'> {
  const { event, metadata, helm, source, specVersion, cluster, environmentId } = facts;
  const { name, namespace } = event.involvedObject;
  const object = nameOf(event.involvedObject);
  const taskName = taskNameOf(event, helm);
  const attempt = helm.release?.version === undefined ? metadata.revision : `v${helm.release.version}`;
  return {
    event: { ...event, metadata },
    alert: { metadata: { ...alert } },
    provider: { metadata: { ...provider } },
    cluster: cluster ?? '',
    environment: { id: environmentId, source },
    service: { id: object, source },
    artifactId: artifactIdOf(facts),
    release: {
      ...helm.release,
      namespace: helm.release?.namespace ?? namespace,
      name: helm.release?.name ?? name,
      ...(helm.chart && { chart: helm.chart, chartVersion: helm.chartVersion }),
    },
    taskRun: { id: [object, taskName, ...(attempt ? [attempt] : [])].join('/'), name: taskName },
    outcome: outcomeOf(event, taskName, specVersion),
    chainId,
  };
}
