import type { ObjectName } from '../../diagnostics/issue.ts';
import { EVENT_CONTROLLERS } from '../../flux/controllers.ts';
import { nameOf } from '../../flux/object-ref.ts';
import type { ResolvedProvider } from '../../provider/provider.ts';
import { bad, type ClusterFinding, good } from './finding.ts';

const AREA = 'installation';

/** The name in the manifests; a Helm release may use another one. */
const OURS = 'flux-cdevents';

/** The part of a Deployment that the check reads. */
export interface Deployment {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: {
      readonly spec?: {
        readonly serviceAccountName?: string;
        readonly containers?: readonly { readonly args?: readonly string[] }[];
      };
    };
  };
  readonly status?: { readonly readyReplicas?: number };
}

/** The settings of the controller that the check needs, from the arguments of its Deployment. */
export interface Settings {
  readonly forwards: boolean;
  readonly tokenReview: boolean;
  /** Whether the events address uses TLS. */
  readonly tls: boolean;
  readonly watchAllNamespaces: boolean;
  readonly noCrossNamespaceRefs: boolean;
}

export const ourDeployment = (deployments: readonly Deployment[]): Deployment | undefined =>
  deployments.find(({ metadata }) => metadata.name === OURS) ??
  deployments.find(({ metadata }) => metadata.labels?.['app.kubernetes.io/part-of'] === OURS);

/** The name of the controller's Deployment and Service. */
export const ourName = (deployments: readonly Deployment[]): string =>
  ourDeployment(deployments)?.metadata.name ?? OURS;

/** The default ServiceAccount of the controller. */
export const ourAccount = (deployments: readonly Deployment[]): string =>
  ourDeployment(deployments)?.spec?.template?.spec?.serviceAccountName ?? OURS;

/** The value of a flag: the last one wins, as in the controllers; a flag without a value is `true`. */
export function argOf({ spec }: Deployment, name: string): string | undefined {
  const args = (spec?.template?.spec?.containers ?? []).flatMap((container) => container.args ?? []);
  return args.reduce<string | undefined>((last, arg, index) => {
    if (arg.startsWith(`--${name}=`)) return arg.slice(name.length + 3);
    if (arg !== `--${name}`) return last;
    const next = args[index + 1];
    return next === undefined || next.startsWith('-') ? 'true' : next;
  }, undefined);
}

/** The settings of the manifests, when there is no Deployment. */
export function settingsOf(deployment: Deployment | undefined): Settings {
  const arg = (name: string) => deployment && argOf(deployment, name);
  return {
    forwards: arg('forward-to') !== undefined,
    tokenReview: arg('events-auth') === 'token-review',
    tls: arg('events-tls-cert') !== undefined,
    watchAllNamespaces: arg('watch-all-namespaces') !== 'false',
    noCrossNamespaceRefs: !['false', undefined].includes(arg('no-cross-namespace-refs')),
  };
}

/** The events address of a Flux controller. */
type Target = 'here' | 'notification-controller' | 'nowhere' | 'elsewhere';

function targetOf(address: string | undefined, namespace: string, ours: string): Target {
  if (!address) return 'nowhere';
  const host = URL.canParse(address) ? new URL(address).hostname : '';
  const [name, within = namespace] = host.split('.');
  if (within !== namespace) return 'elsewhere';
  if (name === ours) return 'here';
  return name === 'notification-controller' ? name : 'elsewhere';
}

export interface Installation {
  readonly namespace: string;
  readonly deployments: readonly Deployment[];
  /** Whether the Service exists; undefined when that is unknown. */
  readonly service: boolean | undefined;
  readonly providers: readonly ResolvedProvider[];
}

/** How Providers expect events: through the webhook, or with the type cdevents, which Flux does not deliver to. */
export function waysOf(providers: readonly ResolvedProvider[]) {
  const ours = providers.filter((provider) => provider.status !== 'foreign');
  return {
    webhook: ours.some(({ webhookOnly }) => webhookOnly),
    direct: ours.filter(({ type, webhookOnly }) => type === 'cdevents' && !webhookOnly),
  };
}

/** Checks whether flux-cdevents runs, and in which of the three ways it receives events. Pure. */
export function installationFindings(installation: Installation): readonly ClusterFinding[] {
  return [...ownFindings(installation), ...wayFindings(installation)];
}

function ownFindings({ namespace, deployments, service }: Installation): readonly ClusterFinding[] {
  const name = ourName(deployments);
  const object = { kind: 'Deployment', namespace, name };
  const absent = {
    code: 'not-found',
    path: ['metadata', 'name'],
    expected: 'it to exist',
    found: 'none',
    fix: 'npx flux-cdevents install --export | kubectl apply -f -',
  } as const;
  const findings: ClusterFinding[] = [];
  const own = ourDeployment(deployments);
  const { replicas = 1 } = own?.spec ?? {};
  const ready = own?.status?.readyReplicas ?? 0;
  if (!own) {
    findings.push(bad('error', AREA, { ...absent, object }));
  } else if (replicas !== 1) {
    findings.push(
      bad('error', AREA, {
        code: 'invalid-value',
        object,
        path: ['spec', 'replicas'],
        expected: '1, as one pod owns the volume',
        found: String(replicas),
        fix: `kubectl -n ${namespace} scale deployment ${name} --replicas=1`,
      }),
    );
  } else if (ready < 1) {
    findings.push(
      bad('error', AREA, {
        code: 'invalid-value',
        object,
        path: ['status', 'readyReplicas'],
        expected: '1',
        found: '0',
        fix: `kubectl -n ${namespace} describe pod -l app.kubernetes.io/part-of=${OURS}; docs/troubleshooting.md, The pod …`,
      }),
    );
  } else findings.push(good(AREA, `Deployment ${namespace}/${name}: ready`));
  if (service === false) findings.push(bad('error', AREA, { ...absent, object: { kind: 'Service', namespace, name } }));
  return findings;
}

function wayFindings({ namespace, deployments, providers }: Installation): readonly ClusterFinding[] {
  const ours = ourName(deployments);
  const object = (name: string): ObjectName => ({ kind: 'Deployment', namespace, name });
  const controllers = deployments
    .filter(({ metadata }) => EVENT_CONTROLLERS.some((name) => name === metadata.name))
    .map((deployment) => {
      const address = argOf(deployment, 'events-addr');
      return { name: deployment.metadata.name, address, target: targetOf(address, namespace, ours) };
    });
  if (controllers.length === 0) {
    return [
      bad('warning', AREA, {
        code: 'not-found',
        object: { kind: 'Namespace', name: namespace },
        path: ['Deployments'],
        expected: `one of ${EVENT_CONTROLLERS.join(', ')}`,
        found: 'none',
        fix: 'name the namespace of Flux: --namespace',
      }),
    ];
  }
  const { forwards, tls } = settingsOf(ourDeployment(deployments));
  const here = controllers.filter(({ target }) => target === 'here');
  const { webhook, direct } = waysOf(providers);
  const scheme = tls ? 'https' : 'http';
  const wanted = `${scheme}://${ours}.${namespace}.svc.cluster.local./`;
  const posted = 'the component events-addr: docs/install.md, What Flux has to know';

  if (here.length === 0) {
    const findings: ClusterFinding[] = webhook
      ? [good(AREA, 'events come by the webhook: the Flux controllers post to the notification-controller')]
      : [];
    if (webhook && direct.length === 0) return findings;
    const [first] = controllers;
    const [idle] = direct;
    const nobody = idle ? `Provider ${nameOf(idle.ref)} of type ${idle.type} gets no events` : 'no event comes here';
    findings.push(
      bad(idle ? 'error' : 'warning', AREA, {
        code: 'conflict',
        object: object(first?.name ?? ''),
        path: ['--events-addr'],
        expected: `${wanted}, or Providers for the webhook only`,
        found: `${describe(first?.address)}, so that ${nobody}`,
        fix: `${posted}; or a Provider for the webhook: docs/webhook.md`,
      }),
    );
    return findings;
  }
  const way = forwards ? 'forward' : 'the event endpoint alone';
  const findings: ClusterFinding[] = [
    good(AREA, `events come by ${way}: ${here.map(({ name }) => name).join(', ')} post to flux-cdevents`),
  ];
  for (const { name, address, target } of controllers) {
    if (target === 'here') {
      if (!address?.startsWith(`${scheme}:`)) findings.push(schemeFinding(object(name), address, wanted));
      continue;
    }
    findings.push(
      bad('warning', AREA, {
        code: 'conflict',
        object: object(name),
        path: ['--events-addr'],
        expected: `${wanted}, as in the others`,
        found: describe(address),
        fix: posted,
      }),
    );
  }
  const foreign = providers.filter(({ status }) => status === 'foreign');
  if (!forwards && foreign.length > 0) {
    const [first] = foreign;
    findings.push(
      bad('warning', AREA, {
        code: 'missing',
        object: object(ours),
        path: ['--forward-to'],
        expected: `the notification-controller, which delivers for ${foreign.length} Providers of other types`,
        found: `nothing: Provider ${first ? nameOf(first.ref) : ''} gets no events any more`,
        fix: 'add the component forward: npx flux-cdevents install --export --components forward',
      }),
    );
  }
  return findings;
}

/** TLS on one side only: every event would be refused, and the controllers log little about it. */
const schemeFinding = (object: ObjectName, address: string | undefined, wanted: string): ClusterFinding =>
  bad('error', AREA, {
    code: 'conflict',
    object,
    path: ['--events-addr'],
    expected: `${wanted}, as --events-tls-cert of flux-cdevents says`,
    found: describe(address),
    fix: `correct the flag, or add or remove the component mtls: docs/install.md`,
  });

const describe = (address: string | undefined): string => address || 'nothing';
