import type { Path } from '../../diagnostics/issue.ts';
import { nameOf } from '../../flux/object-ref.ts';
import { resourcePath } from '../../kube-api/discovery.ts';
import type { ReadyProvider } from '../../provider/provider.ts';
import { WEBHOOK_ANNOTATIONS } from '../../provider/webhook-provider.ts';
import { type Asked, ask, mapLimited } from './ask.ts';
import { bad, type ClusterFinding, good } from './finding.ts';
import { probeAddress, serviceIn, shownTarget } from './probe.ts';

const AREA = 'Providers';
const CONCURRENT = 8;

/** The result of the connection to a receiver. */
export type Reach =
  /** A connection from here was opened. */
  | { readonly how: 'reached' }
  /** Its Service exists, but cannot be reached from here. */
  | { readonly how: 'service' }
  | { readonly how: 'skipped'; readonly why: string }
  | { readonly how: 'failed'; readonly expected: string; readonly found: string };

export interface Reached {
  readonly provider: ReadyProvider;
  readonly reach: Reach;
}

export interface ProbeOptions {
  readonly probe: boolean;
  /** Whether the names of Services resolve here. */
  readonly inCluster: boolean;
  /** The namespace of the controller, for short names. */
  readonly namespace: string;
}

/** Connects to every address once, without a request. */
export function reachAll(
  api: Asked,
  providers: readonly ReadyProvider[],
  options: ProbeOptions,
): Promise<readonly Reached[]> {
  return mapLimited(providers, CONCURRENT, async (provider) => ({
    provider,
    reach: await reach(api, provider, options),
  }));
}

async function reach(api: Asked, { endpoint, suspend }: ReadyProvider, options: ProbeOptions): Promise<Reach> {
  if (suspend) return { how: 'skipped', why: 'it is suspended' };
  const service = options.inCluster ? undefined : serviceIn(endpoint, options.namespace);
  if (service) return findService(api, service);
  if (!options.probe) return { how: 'skipped', why: '--no-address-probe' };
  const trouble = await probeAddress(endpoint);
  if (trouble === undefined) return { how: 'reached' };
  return {
    how: 'failed',
    expected: `a connection to ${shownTarget(endpoint)}`,
    found: `${trouble} (probed from here)`,
  };
}

interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** Outside the cluster the name of a Service does not resolve, so check whether the Service exists. */
async function findService(api: Asked, { namespace, name, port }: ServicePort): Promise<Reach> {
  const path = resourcePath({ apiVersion: 'v1', resource: 'services' }, namespace);
  const answer = await ask(api, `${path}/${encodeURIComponent(name)}`);
  if (answer.status === 'refused') return { how: 'skipped', why: answer.why };
  const expected = `the Service ${namespace}/${name} with port ${port}`;
  if (answer.status === 'absent') return { how: 'failed', expected, found: 'no such Service' };
  const { spec = {} } = answer.body as { spec?: { type?: string; ports?: readonly { port: number }[] } };
  const ports = (spec.ports ?? []).map((one) => one.port);
  if (spec.type === 'ExternalName' || ports.includes(port)) return { how: 'service' };
  return { how: 'failed', expected, found: ports.length > 0 ? `port ${ports.join(', ')}` : 'no port' };
}

/** Lists the issues of the addresses. Pure. */
export const reachFindings = (reached: readonly Reached[]): readonly ClusterFinding[] => reached.map(reachFinding);

function reachFinding({ provider: { ref, endpoint, webhookOnly }, reach }: Reached): ClusterFinding {
  const name = `Provider ${nameOf(ref)}`;
  const target = shownTarget(endpoint);
  switch (reach.how) {
    case 'reached':
      return good(AREA, `${name}: ${target} can be reached from here`);
    case 'service':
      return good(AREA, `${name}: ${target} is a Service of the cluster, not probed from here`);
    case 'skipped':
      return good(AREA, `${name}: ${target} is not probed: ${reach.why}`);
    case 'failed': {
      const written: Path = webhookOnly
        ? ['metadata', 'annotations', WEBHOOK_ANNOTATIONS.address]
        : ['spec', 'address'];
      const path = endpoint.addressIsSecret ? ['address of its Secret'] : written;
      const fix = /^(UNABLE_|CERT_|SELF_SIGNED_|DEPTH_|ERR_TLS_CERT)/.test(reach.found)
        ? 'name the CA of the receiver in spec.certSecretRef: docs/options.md, Secrets of a Provider'
        : 'start the receiver, or correct the address; if only the cluster reaches it: --no-address-probe';
      const object = { kind: 'Provider', ...ref };
      const { expected, found } = reach;
      return bad('error', AREA, { code: 'unreachable', object, path, expected, found, fix });
    }
  }
}
