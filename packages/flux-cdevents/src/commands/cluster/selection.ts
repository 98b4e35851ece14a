import type { Alert, EventSource } from '../../flux/alert.ts';
import { nameOf } from '../../flux/object-ref.ts';
import { type Discovery, resourcePath } from '../../kube-api/discovery.ts';
import { describeNoAnswer } from '../../kube-api/kube-client.ts';
import { type Asked, ask, mapLimited } from './ask.ts';
import { bad, type ClusterFinding, good } from './finding.ts';
import { resourceOfKind } from './kinds.ts';

const AREA = 'Alerts';
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/** Whether a source selects any object. */
export type Selects = boolean | { readonly unknown: string };

export interface AlertSelection {
  readonly alert: Alert;
  /** The result of each of its `eventSources`. */
  readonly selects: readonly Selects[];
}

/** Looks for one object of each source. Reads metadata only. */
export function readSelections(
  api: Asked,
  discovery: Discovery,
  alerts: readonly Alert[],
): Promise<readonly AlertSelection[]> {
  const answers = new Map<string, Promise<Selects>>();
  const selects = (source: Required<Pick<EventSource, 'kind' | 'name' | 'namespace'>> & EventSource) => {
    const { kind, namespace, name, matchLabels = {} } = source;
    const key = JSON.stringify([kind, namespace, name, Object.entries(matchLabels).sort()]);
    const known = answers.get(key) ?? look(api, discovery, source);
    answers.set(key, known);
    return known;
  };
  return mapLimited(alerts, 8, async (alert) => ({
    alert,
    selects: await mapLimited(alert.spec.eventSources, 2, (source) =>
      selects({ ...source, namespace: source.namespace ?? alert.metadata.namespace }),
    ),
  }));
}

async function findVersion(discovery: Discovery, group: string, resource: string): Promise<string | undefined> {
  for (const version of await discovery.versions(group)) {
    const resources = (await discovery.resources(`${group}/${version}`)) ?? [];
    if (resources.some((served) => served.resource === resource)) return `${group}/${version}`;
  }
  return undefined;
}

async function look(
  api: Asked,
  discovery: Discovery,
  { kind, name, namespace = '', matchLabels = {} }: EventSource,
): Promise<Selects> {
  const served = resourceOfKind(kind);
  if (!served) return false;
  const { group, resource } = served;
  let apiVersion: string | undefined;
  try {
    apiVersion = await findVersion(discovery, group, resource);
  } catch (thrown) {
    return { unknown: describeNoAnswer(thrown) };
  }
  if (apiVersion === undefined) return false;
  const path = resourcePath({ apiVersion, resource }, namespace);
  const wanted = Object.entries(matchLabels);
  if (name !== '*') {
    const answer = await ask(api, { path: `${path}/${encodeURIComponent(name)}`, accept: METADATA });
    if (answer.status === 'refused') return { unknown: answer.why };
    if (answer.status === 'absent') return false;
    const { labels = {} } = (answer.body as { metadata: { labels?: Readonly<Record<string, string>> } }).metadata;
    return wanted.every(([key, value]) => labels[key] === value);
  }
  const labelSelector = wanted.map(([key, value]) => `${key}=${value}`).join(',');
  const query = new URLSearchParams({ limit: '1', ...(labelSelector && { labelSelector }) });
  const answer = await ask(api, { path: `${path}?${query}`, accept: METADATA_LIST });
  if (answer.status === 'refused') return { unknown: answer.why };
  return answer.status === 'found' && ((answer.body as { items?: readonly unknown[] }).items ?? []).length > 0;
}

/** Alerts that select nothing. One source with objects is enough for an Alert: others may be meant for future objects. */
export function selectionFindings(selections: readonly AlertSelection[]): readonly ClusterFinding[] {
  return selections.flatMap(({ alert, selects }): ClusterFinding[] => {
    const sources = alert.spec.eventSources;
    const index = selects.indexOf(true);
    const chosen = sources[index];
    if (chosen) {
      const suspended = alert.spec.suspend ? ', and is suspended' : '';
      return [good(AREA, `Alert ${nameOf(alert.metadata)}: selects ${describeSource(chosen, alert)}${suspended}`)];
    }
    const { namespace, name } = alert.metadata;
    const about = { object: { kind: 'Alert', namespace, name }, path: ['spec', 'eventSources'] };
    const unknown = selects.find((one) => typeof one === 'object');
    if (unknown) {
      const fix = 'run the check as a user who may list these objects';
      const expected = 'an object that it selects';
      return [
        bad('warning', AREA, { ...about, code: 'unreadable', expected, found: `no answer: ${unknown.unknown}`, fix }),
      ];
    }
    if (sources.length === 0) return [];
    return [
      bad('warning', AREA, {
        ...about,
        code: 'not-found',
        expected: `an object that it selects: ${sources.map((source) => describeSource(source, alert)).join(', ')}`,
        found: 'none in this cluster',
        fix: 'compare kind, name, namespace and labels: kubectl get <kind> -A --show-labels',
      }),
    ];
  });
}

/** `HelmRelease apps/* (app=podinfo)`. */
function describeSource({ kind, name, namespace, matchLabels = {} }: EventSource, { metadata }: Alert): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return `${kind} ${namespace ?? metadata.namespace}/${name}${labels.length > 0 ? ` (${labels.join(', ')})` : ''}`;
}
