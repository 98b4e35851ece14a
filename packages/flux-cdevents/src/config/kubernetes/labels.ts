import type { InvolvedObject } from '../../flux/object-ref.ts';
import {
  type Discovery,
  isApiVersion,
  isObjectName,
  resourcePath,
  type ServedResource,
} from '../../kube-api/discovery.ts';
import { describeAnswer, describeNoAnswer, type KubeClient } from '../../kube-api/kube-client.ts';
import type { Labels } from '../config-source.ts';

/** The labels of an object could not be read, or can be read again. Told once a change, not once an event. */
export type LabelsChange =
  | { readonly object: InvolvedObject; readonly state: 'unreadable'; readonly error: string }
  | { readonly object: InvolvedObject; readonly state: 'readable' };

export interface LabelReaderOptions {
  readonly api: Pick<KubeClient, 'request'>;
  readonly discovery: Discovery;
  readonly onChange?: (change: LabelsChange) => void;
  /** How long what was read is used without asking again. @default 5,000 */
  readonly maxAgeMs?: number;
  /** @default 5,000 */
  readonly maxEntries?: number;
  readonly now?: () => number;
}

/** Reads the labels of involved objects, the metadata only. Those who ask for the same object share an answer. */
export type LabelReader = (object: InvolvedObject) => Promise<Labels | undefined>;

const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** Without an answer labels of this age are better than none: they change rarely. */
const MAX_STALE_MS = 60 * 60 * 1000;
/** How long what the API server serves is taken for known. */
const KINDS_MAX_AGE_MS = 10 * 60 * 1000;
/** Versions of the API that are remembered. */
const MAX_KINDS = 200;
/** A kind that there is not is not looked for at every event. */
const NO_KIND_MAX_AGE_MS = 30_000;
/** The sender of an event waits no longer than 5 s. */
const ANSWER_WITHIN_MS = 3_000;

interface Cached {
  readonly labels: Labels | undefined;
  readonly readAt: number;
}

export function createLabelReader(options: LabelReaderOptions): LabelReader {
  const { api, discovery, onChange, maxAgeMs = 5_000, maxEntries = 5_000, now = Date.now } = options;
  const cache = new Map<string, Cached>();
  const inFlight = new Map<string, Promise<Labels | undefined>>();
  const unreadable = new Set<string>();
  const kinds = new Map<string, { readonly at: number; readonly found: Promise<readonly ServedResource[]> }>();

  const remember = (key: string, labels: Labels | undefined) => {
    cache.delete(key);
    cache.set(key, { labels, readAt: now() });
    for (const oldest of cache.keys()) {
      if (cache.size <= maxEntries) break;
      cache.delete(oldest);
    }
  };

  const told = (object: InvolvedObject, key: string, error: string | undefined) => {
    if (error === undefined) {
      if (unreadable.delete(key)) onChange?.({ object, state: 'readable' });
    } else if (!unreadable.has(key)) {
      if (unreadable.size >= maxEntries) unreadable.clear();
      unreadable.add(key);
      onChange?.({ object, state: 'unreadable', error });
    }
  };

  const resourcesOf = (apiVersion: string): Promise<readonly ServedResource[]> => {
    const known = kinds.get(apiVersion);
    if (known && now() - known.at < KINDS_MAX_AGE_MS) return known.found;
    const found = discovery.resources(apiVersion).then((resources) => resources ?? []);
    const entry = { at: now(), found };
    if (kinds.size >= MAX_KINDS) kinds.clear();
    kinds.set(apiVersion, entry);
    const forget = () => {
      if (kinds.get(apiVersion) === entry) kinds.delete(apiVersion);
    };
    found.then((resources) => {
      if (resources.length === 0) setTimeout(forget, NO_KIND_MAX_AGE_MS).unref();
    }, forget);
    return found;
  };

  /** In the version of the event; where that is not served any more, in one that is. */
  const locate = async ({ apiVersion = '', kind, namespace, name }: InvolvedObject): Promise<ServedResource> => {
    // whoever may post an event must not choose what else we ask the API server for
    if (!isApiVersion(apiVersion)) throw new Error('its apiVersion is none');
    if (!isObjectName(namespace) || !isObjectName(name)) throw new Error('its name is none');
    const found = (await resourcesOf(apiVersion)).find((resource) => resource.kind === kind);
    if (found) return found;
    const [group, version] = apiVersion.split('/');
    if (group && version) {
      for (const other of await discovery.versions(group)) {
        const served = (await resourcesOf(`${group}/${other}`)).find((resource) => resource.kind === kind);
        if (served) return served;
      }
    }
    throw new Error(`kind ${kind} of ${apiVersion} is not served by the API server`);
  };

  const read = async (object: InvolvedObject, key: string): Promise<Labels | undefined> => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    try {
      const served = await locate(object);
      const path = `${resourcePath(served, object.namespace)}/${encodeURIComponent(object.name)}`;
      const response = await api.request({ path, accept: `${METADATA_ONLY},application/json`, signal });
      if (response.status === 200) {
        const { metadata } = response.body as { metadata: { labels?: Labels } };
        const labels = metadata.labels ?? {};
        remember(key, labels);
        told(object, key, undefined);
        return labels;
      }
      if (response.status < 500) {
        remember(key, undefined); // gone or forbidden: not asked for at every event
        told(object, key, describeAnswer(response));
        return undefined;
      }
      throw new Error(describeAnswer(response));
    } catch (error) {
      const cached = cache.get(key);
      if (cached?.labels && now() - cached.readAt < MAX_STALE_MS) return cached.labels;
      told(object, key, describeNoAnswer(error));
      return undefined;
    }
  };

  return (object) => {
    const key = `${object.apiVersion ?? ''}/${object.kind}/${object.namespace}/${object.name}`;
    const cached = cache.get(key);
    if (cached && now() - cached.readAt < maxAgeMs) return Promise.resolve(cached.labels);
    const asked = inFlight.get(key);
    if (asked) return asked;
    const answer = read(object, key).finally(() => inFlight.delete(key));
    inFlight.set(key, answer);
    return answer;
  };
}
