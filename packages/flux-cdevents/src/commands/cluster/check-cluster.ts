import type { Alert } from '../../flux/alert.ts';
import { type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import { createDiscovery, resourcePath } from '../../kube-api/discovery.ts';
import { describeNoAnswer } from '../../kube-api/kube-client.ts';
import type { ReadyProvider } from '../../provider/provider.ts';
import { reachAll, reachFindings } from './addresses.ts';
import { type Asked, ask, askAll, rememberAnswers } from './ask.ts';
import { judgeObjects, readObjects } from './configuration.ts';
import { definitionFindings, readDefinitions } from './definitions.ts';
import { AREAS, bad, type ClusterFinding, good } from './finding.ts';
import {
  type Deployment,
  installationFindings,
  ourAccount,
  ourDeployment,
  ourName,
  settingsOf,
  waysOf,
} from './installation.ts';
import { neededPermissions, permissionFindings, reviewPermissions } from './permissions.ts';
import { readSelections, selectionFindings } from './selection.ts';

export interface ClusterCheckOptions {
  /** The namespace of Flux and of the controller. */
  readonly namespace: string;
  /** The ServiceAccount of the controller. @default the one of its Deployment, else flux-cdevents */
  readonly account?: NamespacedName | undefined;
  /** Whether to connect to the addresses of Providers. */
  readonly probe: boolean;
  /** As the flag of `serve`, whatever the Deployment says. @default false */
  readonly noCrossNamespaceRefs?: boolean;
  /** Whether the names of Services resolve here. */
  readonly inCluster: boolean;
}

/** Checks everything that can be checked without a change to the cluster. Never throws for what the cluster lacks. */
export async function checkCluster(
  api: Asked & { readonly server: string },
  options: ClusterCheckOptions,
): Promise<readonly ClusterFinding[]> {
  const version = await versionFinding(api);
  if (version.result !== 'ok') return [version];
  const findings: ClusterFinding[] = [version];
  try {
    findings.push(...(await askTheRest(api, options)));
  } catch (thrown) {
    findings.push(
      bad('error', 'API server', {
        code: 'unreachable',
        object: { kind: 'API server', name: api.server },
        path: ['discovery'],
        expected: 'what it serves',
        found: describeNoAnswer(thrown),
        fix: 'try again; the ClusterRole system:discovery has to be there',
      }),
    );
  }
  return findings.sort((a, b) => AREAS.indexOf(a.area) - AREAS.indexOf(b.area));
}

async function versionFinding(api: Asked & { readonly server: string }): Promise<ClusterFinding> {
  const answer = await ask(api, '/version');
  if (answer.status === 'found') {
    const { gitVersion = 'of an unknown version' } = answer.body as { readonly gitVersion?: string };
    return good('API server', `Kubernetes ${gitVersion}`);
  }
  return bad('error', 'API server', {
    code: 'unreachable',
    object: { kind: 'API server', name: api.server },
    path: ['/version'],
    expected: 'an answer',
    found: answer.status === 'absent' ? 'something else at this address' : answer.why,
    fix: 'name another kubeconfig: --kubeconfig; kubectl version',
  });
}

async function askTheRest(api: Asked, options: ClusterCheckOptions): Promise<ClusterFinding[]> {
  const { namespace, noCrossNamespaceRefs = false } = options;
  const discovery = rememberAnswers(createDiscovery(api));
  const definitions = await readDefinitions(api, discovery, { namespace });

  const listed = await askAll(api, resourcePath({ apiVersion: 'apps/v1', resource: 'deployments' }, namespace));
  const deployments = 'status' in listed ? [] : (listed as readonly Deployment[]);
  const { watchAllNamespaces, ...stated } = settingsOf(ourDeployment(deployments));
  const settings = { ...stated, noCrossNamespaceRefs: stated.noCrossNamespaceRefs || noCrossNamespaceRefs };
  const scope = watchAllNamespaces ? undefined : namespace;
  const services = resourcePath({ apiVersion: 'v1', resource: 'services' }, namespace);
  const service = await ask(api, `${services}/${encodeURIComponent(ourName(deployments))}`);

  const objects = await readObjects(api, discovery, { ...settings, namespace: scope });
  const { snapshot, findings } = judgeObjects(objects, { ...settings, namespace: scope });
  const providers = [...snapshot.providers.values()];
  const { webhook, direct } = waysOf(providers);
  const ours = (alert: Alert): boolean => {
    const name = { ...alert.spec.providerRef, namespace: alert.metadata.namespace };
    return snapshot.providers.get(nameOf(name))?.status !== 'foreign';
  };
  const alerts = snapshot.alerts.filter(ours);

  const account = options.account ?? { namespace, name: ourAccount(deployments) };
  const context = { account, namespace: scope };
  const reviewed = await reviewPermissions(api, neededPermissions(alerts, settings), context);
  const ready = providers.filter((provider): provider is ReadyProvider => provider.status === 'ready');
  return [
    ...definitionFindings(definitions, { typeNeeded: !webhook || direct.length > 0 }),
    ...('status' in listed
      ? [deploymentsUnread(namespace, listed.status === 'refused' ? listed.why : 'nothing')]
      : installationFindings({
          namespace,
          deployments,
          service: service.status === 'refused' ? undefined : service.status === 'found',
          providers,
        })),
    ...permissionFindings(reviewed, context),
    ...findings,
    ...reachFindings(await reachAll(api, ready, options)),
    ...selectionFindings(await readSelections(api, discovery, alerts)),
  ];
}

const deploymentsUnread = (namespace: string, found: string): ClusterFinding =>
  bad('warning', 'installation', {
    code: 'unreadable',
    object: { kind: 'Namespace', name: namespace },
    path: ['Deployments'],
    expected: 'to be readable',
    found: `no answer: ${found}`,
    fix: 'run the check as a user who may list Deployments',
  });
