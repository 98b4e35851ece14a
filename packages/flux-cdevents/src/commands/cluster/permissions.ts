import { type Alert, hasMatchLabels } from '../../flux/alert.ts';
import { type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import { NOTIFICATION_GROUP } from '../../flux/read-object.ts';
import { type Asked, ask, mapLimited } from './ask.ts';
import { bad, type ClusterFinding, good } from './finding.ts';
import { resourceOfKind } from './kinds.ts';

const AREA = 'permissions';

/** A permission that the controller needs. */
export interface Permission {
  /** The API group; empty for the core group. */
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** The manifest that grants it. */
  readonly manifest: string;
}

const ROLE = 'deploy/base/cluster-role.yaml';

/** What every controller needs. */
const BASE_PERMISSIONS: readonly Permission[] = [
  { group: NOTIFICATION_GROUP, resource: 'alerts', verbs: ['list', 'watch'], manifest: ROLE },
  { group: NOTIFICATION_GROUP, resource: 'providers', verbs: ['list', 'watch'], manifest: ROLE },
  { group: '', resource: 'secrets', verbs: ['get'], manifest: ROLE },
  { group: '', resource: 'configmaps', verbs: ['get'], manifest: ROLE },
  { group: '', resource: 'events', verbs: ['create', 'patch'], manifest: ROLE },
];

/** The permissions that these Alerts and this authentication need. */
export function neededPermissions(
  alerts: readonly Alert[],
  { tokenReview }: { readonly tokenReview: boolean },
): Permission[] {
  const labelled = alerts.flatMap(({ spec }) => spec.eventSources).filter(hasMatchLabels);
  const kinds = [...new Set(labelled.map(({ kind }) => kind))].sort();
  const byLabel = kinds.flatMap((kind): Permission[] => {
    const resource = resourceOfKind(kind);
    return resource ? [{ ...resource, verbs: ['get'], manifest: ROLE }] : [];
  });
  const review: Permission = {
    group: 'authentication.k8s.io',
    resource: 'tokenreviews',
    verbs: ['create'],
    manifest: 'deploy/components/token-review',
  };
  return [...BASE_PERMISSIONS, ...byLabel, ...(tokenReview ? [review] : [])];
}

/** Whether a permission is granted. */
export type Verdict = 'allowed' | 'denied' | { readonly unknown: string };

export interface Reviewed {
  readonly permission: Permission;
  /** The result for each of its verbs. */
  readonly verdicts: readonly Verdict[];
}

export interface ReviewContext {
  readonly account: NamespacedName;
  /** The namespace that the controller reads. @default all namespaces */
  readonly namespace?: string | undefined;
}

/** Asks the API server, as the ServiceAccount itself or on its behalf. */
export async function reviewPermissions(
  api: Asked,
  permissions: readonly Permission[],
  { account, namespace }: ReviewContext,
): Promise<readonly Reviewed[]> {
  const self = (await whoAmI(api)) === userOf(account);
  return mapLimited(permissions, 4, async (permission) => {
    const { group, resource, verbs } = permission;
    // Token reviews have no namespace.
    const within = namespace !== undefined && resource !== 'tokenreviews' ? { namespace } : {};
    const verdicts = await mapLimited(verbs, 2, (verb) =>
      review(api, { group, resource, verb, ...within }, self ? undefined : account),
    );
    return { permission, verdicts };
  });
}

const userOf = ({ namespace, name }: NamespacedName): string => `system:serviceaccount:${namespace}:${name}`;

async function whoAmI(api: Asked): Promise<string | undefined> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const answer = await ask(api, { method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body });
  if (answer.status !== 'found') return undefined;
  return (answer.body as { status?: { userInfo?: { username?: string } } }).status?.userInfo?.username;
}

async function review(api: Asked, resourceAttributes: object, account: NamespacedName | undefined): Promise<Verdict> {
  const kind = account ? 'SubjectAccessReview' : 'SelfSubjectAccessReview';
  const who = account && {
    user: userOf(account),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`, 'system:authenticated'],
  };
  const path = `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`;
  const body = { apiVersion: 'authorization.k8s.io/v1', kind, spec: { ...who, resourceAttributes } };
  const answer = await ask(api, { method: 'POST', path, body });
  if (answer.status === 'absent') return { unknown: `${kind} is not served` };
  if (answer.status === 'refused') return { unknown: answer.why };
  return (answer.body as { status?: { allowed?: boolean } }).status?.allowed === true ? 'allowed' : 'denied';
}

/** Lists the missing permissions. Pure. */
export function permissionFindings(
  reviewed: readonly Reviewed[],
  { account, namespace }: ReviewContext,
): readonly ClusterFinding[] {
  const object = { kind: 'ServiceAccount', ...account };
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  const asked = reviewed.flatMap(({ verdicts }) => verdicts);
  const unknown = asked.find((verdict) => typeof verdict === 'object');
  if (unknown && asked.every((verdict) => typeof verdict === 'object')) {
    return [
      bad('warning', AREA, {
        code: 'unreadable',
        object,
        path: ['permissions'],
        expected: 'an answer about them',
        found: `no answer: ${unknown.unknown}`,
        fix: 'run the check as a user who may create subjectaccessreviews, or in the Pod: docs/troubleshooting.md, Ask the cluster',
      }),
    ];
  }
  return reviewed.map(({ permission, verdicts }) => {
    const { group, resource, verbs, manifest } = permission;
    const name = group === '' ? resource : `${resource}.${group}`;
    const missing = verbs.filter((_, index) => verdicts[index] !== 'allowed');
    if (missing.length === 0) return good(AREA, `${nameOf(account)} may ${verbs.join(', ')} ${name}${where}`);
    const none = verdicts.find((verdict) => typeof verdict === 'object');
    return bad(none ? 'warning' : 'error', AREA, {
      code: none ? 'unreadable' : 'forbidden',
      object,
      path: [name],
      expected: `permission to ${verbs.join(', ')}${where}`,
      found: none ? `no answer: ${none.unknown}` : `none to ${missing.join(', ')}`,
      fix: `apply ${manifest}, which grants it; the binding is deploy/base/cluster-role-binding.yaml`,
    });
  });
}
