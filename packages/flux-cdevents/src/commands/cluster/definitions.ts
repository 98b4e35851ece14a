import { NOTIFICATION_GROUP, NOTIFICATION_VERSIONS } from '../../flux/read-object.ts';
import type { Discovery } from '../../kube-api/discovery.ts';
import { type Asked, ask } from './ask.ts';
import { bad, type ClusterFinding, good } from './finding.ts';

const AREA = 'definitions';
const PROVIDER_CRD = `providers.${NOTIFICATION_GROUP}`;

/** Whether a version of the Provider accepts the type `cdevents`. */
export type TypeAnswer = 'accepted' | 'refused' | { readonly unknown: string };

/** What the API server serves of the notification API. */
export interface ServedDefinitions {
  /** The versions of Alert that are served. */
  readonly alerts: readonly string[];
  /** The versions of Provider that are served, and whether each accepts the type. */
  readonly providers: ReadonlyMap<string, TypeAnswer>;
}

export interface DefinitionsContext {
  /** The namespace of the Provider in a dry run; nothing is created. */
  readonly namespace: string;
}

/** @throws when API discovery fails */
export async function readDefinitions(
  api: Asked,
  discovery: Discovery,
  { namespace }: DefinitionsContext,
): Promise<ServedDefinitions> {
  const alerts: string[] = [];
  const providers = new Map<string, TypeAnswer>();
  let schemas: Promise<Schemas | string> | undefined;
  for (const version of await discovery.versions(NOTIFICATION_GROUP)) {
    const resources = (await discovery.resources(`${NOTIFICATION_GROUP}/${version}`)) ?? [];
    if (resources.some(({ kind }) => kind === 'Alert')) alerts.push(version);
    if (!resources.some(({ kind }) => kind === 'Provider')) continue;
    let answer = await dryRun(api, version, namespace);
    if (typeof answer === 'object') {
      schemas ??= readSchemas(api);
      answer = fromSchema(await schemas, version) ?? answer;
    }
    providers.set(version, answer);
  }
  return { alerts, providers };
}

/** Creates a Provider of type cdevents as a dry run, with the permissions that a user of Providers has anyway. */
async function dryRun(api: Asked, version: string, namespace: string): Promise<TypeAnswer> {
  const apiVersion = `${NOTIFICATION_GROUP}/${version}`;
  const path = `/apis/${apiVersion}/namespaces/${encodeURIComponent(namespace)}/providers?dryRun=All`;
  const metadata = { generateName: 'flux-cdevents-check-', namespace };
  const spec = { type: 'cdevents', address: 'http://check.invalid' };
  const answer = await ask(api, { method: 'POST', path, body: { apiVersion, kind: 'Provider', metadata, spec } });
  if (answer.status === 'found') return 'accepted';
  if (answer.status === 'absent') return { unknown: `there is no namespace ${namespace}` };
  return /Unsupported value: "cdevents"/.test(answer.why) ? 'refused' : { unknown: answer.why };
}

type Schemas = ReadonlyMap<string, readonly unknown[] | undefined>;

/** The types that each version of the definition lists. */
async function readSchemas(api: Asked): Promise<Schemas | string> {
  const answer = await ask(api, `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${PROVIDER_CRD}`);
  if (answer.status === 'absent') return `no CustomResourceDefinition ${PROVIDER_CRD}`;
  if (answer.status === 'refused') return answer.why;
  const { spec } = answer.body as { readonly spec?: { readonly versions?: readonly CrdVersion[] } };
  const typesOf = ({ schema }: CrdVersion) => schema?.openAPIV3Schema?.properties?.spec?.properties?.type?.enum;
  return new Map((spec?.versions ?? []).map((version) => [version.name, typesOf(version)]));
}

interface CrdVersion {
  readonly name: string;
  readonly schema?: {
    readonly openAPIV3Schema?: {
      readonly properties?: {
        readonly spec?: { readonly properties?: { readonly type?: { readonly enum?: readonly unknown[] } } };
      };
    };
  };
}

function fromSchema(schemas: Schemas | string, version: string): TypeAnswer | undefined {
  if (typeof schemas === 'string' || !schemas.has(version)) return undefined;
  const types = schemas.get(version);
  return types === undefined || types.includes('cdevents') ? 'accepted' : 'refused';
}

/**
 * Checks the definitions. Pure.
 * @param typeNeeded false where all events come through the webhook, whose Providers have another type
 */
export function definitionFindings(
  { alerts, providers }: ServedDefinitions,
  { typeNeeded = true }: { readonly typeNeeded?: boolean } = {},
): readonly ClusterFinding[] {
  const findings: ClusterFinding[] = [];
  for (const [kind, served] of [
    ['Alert', alerts],
    ['Provider', [...providers.keys()]],
  ] as const) {
    const name = `${kind.toLowerCase()}s.${NOTIFICATION_GROUP}`;
    if (served.some((version) => NOTIFICATION_VERSIONS.some((known) => known === version))) {
      findings.push(good(AREA, `${name}: ${served.join(', ')}`));
    } else {
      findings.push(
        bad('error', AREA, {
          code: served.length > 0 ? 'invalid-value' : 'not-found',
          object: { kind: 'CustomResourceDefinition', name },
          path: ['served'],
          expected: `one of the versions ${NOTIFICATION_VERSIONS.join(', ')}`,
          found: served.length > 0 ? served.join(', ') : 'none: it is not installed',
          fix: 'install Flux with its notification-controller: flux install',
        }),
      );
    }
  }
  for (const [version, answer] of providers) findings.push(typeFinding(version, answer, typeNeeded));
  return findings;
}

function typeFinding(version: string, answer: TypeAnswer, typeNeeded: boolean): ClusterFinding {
  if (answer === 'accepted') return good(AREA, `Providers of ${version} may have the type cdevents`);
  if (!typeNeeded) return good(AREA, `Providers of ${version} need no type cdevents: events come by the webhook`);
  const about = {
    object: { kind: 'CustomResourceDefinition', name: PROVIDER_CRD },
    path: [`${version}: spec.type`],
    expected: 'cdevents among the types',
  };
  if (answer === 'refused') {
    const fix =
      'add the type to every served version: deploy/components/provider-crd (Flux 2.9: provider-crd-flux-2.9); ' +
      'or use the webhook, which needs no such type';
    return bad('error', AREA, { ...about, code: 'invalid-value', found: 'a list without it', fix });
  }
  const fix = 'run the check as a user who may create Providers or get CustomResourceDefinitions';
  return bad('warning', AREA, { ...about, code: 'unreadable', found: `no answer: ${answer.unknown}`, fix });
}
