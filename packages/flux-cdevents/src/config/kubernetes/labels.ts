import { LRUCache } from 'lru-cache';
import type { InvolvedObject } from '../../flux/object-ref.ts';
import {
  type Discovery,
  isApiVersion,
  isObjectName,
  objectPath,
  type ServedResource,
} from '../../kube-api/discovery.ts';
import { describeAnswer, describeNoAnswer, type KubeClient } from '../../kube-api/kube-client.ts';
import type { Labels } from '../config-source.ts';

/** The labels of an object cannot be read any more, or can be read again. */
export type LabelsChange =
  | { readonly object: InvolvedObject; readonly state: 'unreadable'; readonly error: string }
  | { readonly object: InvolvedObject; readonly state: 'readable' };

export interface LabelReaderOptions {
  readonly api: Pick<KubeClient, 'request'>;
  readonly discovery: Discovery;
  /** Called once for each change, not for each event. */
  readonly onChange?: (change: LabelsChange) => void;
  /** How long labels are used without reading them again. @default 5,000 */
  readonly maxAgeMs?: number;
  /** @default 5,000 */
  readonly maxEntries?: number;
  /** How long an answer may take. @default 3,000, as the sender of an event waits 5 s */
  readonly answerWithinMs?: number;
  readonly now?: () => number;
}

/** Reads the labels of an involved object. Undefined when they cannot be read. Concurrent calls for one object share one request. */
export type LabelReader = (object: InvolvedObject) => Promise<Labels | undefined>;

const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** While the API server does not answer, labels up to this age are used: they change rarely. */
const MAX_STALE_MS = 60 * 60 * 1000;
/** How long the kinds of an API version are remembered. */
const KINDS_MAX_AGE_MS = 10 * 60 * 1000;
/** How many API versions are remembered. */
const MAX_KINDS = 200;
/** How long it is remembered that an API version is not served. */
const NOT_SERVED_MAX_AGE_MS = 30_000;

interface KnownKinds {
  readonly at: number;
  readonly found: Promise<readonly ServedResource[]>;
  /** Undefined until the API server answered. */
  isServed: boolean | undefined;
}

interface Cached {
  readonly labels: Labels | undefined;
  readonly readAt: number;
}

export function createLabelReader(options: LabelReaderOptions): LabelReader {
  const { api, discovery, onChange, maxAgeMs = 5_000, maxEntries = 5_000, now = Date.now } = options;
  const { answerWithinMs = 3_000 } = options;
  const cache = new LRUCache<string, Cached>({ max: maxEntries });
  const inFlight = new Map<string, Promise<Labels | undefined>>();
  const unreadable = new LRUCache<string, true>({ max: maxEntries });
  const kinds = new LRUCache<string, KnownKinds>({ max: MAX_KINDS });

  const notify = (object: InvolvedObject, key: string, error: string | undefined) => {
    if (error === undefined) {
      if (unreadable.delete(key)) onChange?.({ object, state: 'readable' });
    } else if (!unreadable.has(key)) {
      unreadable.set(key, true);
      onChange?.({ object, state: 'unreadable', error });
    }
  };

  const kindsOf = async (apiVersion: string): Promise<readonly ServedResource[]> => {
    const known = kinds.get(apiVersion);
    const maxAge = known?.isServed === false ? NOT_SERVED_MAX_AGE_MS : KINDS_MAX_AGE_MS;
    if (known && now() - known.at < maxAge) return known.found;
    const entry: KnownKinds = {
      at: now(),
      isServed: undefined,
      found: discovery.resources(apiVersion).then(
        (resources = []) => {
          entry.isServed = resources.length > 0;
          return resources;
        },
        (error: unknown) => {
          if (kinds.peek(apiVersion) === entry) kinds.delete(apiVersion);
          throw error;
        },
      ),
    };
    kinds.set(apiVersion, entry);
    return entry.found;
  };

  /** Finds the kind in the API version of the event, or in a served version of the group when that is not served any more. */
  const locate = async ({ apiVersion = '', kind, namespace, name }: InvolvedObject): Promise<ServedResource> => {
    // a sender of events must not be able to choose any path of the API server
    if (!isApiVersion(apiVersion)) throw new Error('apiVersion is missing or malformed');
    if (!isObjectName(namespace) || !isObjectName(name)) throw new Error('name or namespace is malformed');
    const found = (await kindsOf(apiVersion)).find((resource) => resource.kind === kind);
    if (found) return found;
    const [group, version] = apiVersion.split('/');
    if (group && version) {
      for (const other of await discovery.versions(group)) {
        const served = (await kindsOf(`${group}/${other}`)).find((resource) => resource.kind === kind);
        if (served) return served;
      }
    }
    throw new Error(`kind ${kind} of ${apiVersion} is not served by the API server`);
  };

  const read = async (object: InvolvedObject, key: string): Promise<Labels | undefined> => {
    const signal = AbortSignal.timeout(answerWithinMs);
    try {
      const served = await within(signal, locate(object));
      const path = objectPath(served, object);
      const response = await api.request({ path, accept: `${METADATA_ONLY},application/json`, signal });
      if (response.status === 200) {
        const { metadata } = response.body as { metadata: { labels?: Labels } };
        const labels = metadata.labels ?? {};
        cache.set(key, { labels, readAt: now() });
        notify(object, key, undefined);
        return labels;
      }
      if (response.status < 500) {
        cache.set(key, { labels: undefined, readAt: now() }); // gone or forbidden: not read again for every event
        notify(object, key, describeAnswer(response));
        return undefined;
      }
      throw new Error(describeAnswer(response));
    } catch (error) {
      const cached = cache.get(key);
      if (cached?.labels && now() - cached.readAt < MAX_STALE_MS) return cached.labels;
      notify(object, key, describeNoAnswer(error));
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

/** Discovery is shared by many objects, so that one of them gives up on it without ending it. @throws when the signal aborts */
const within = <T>(signal: AbortSignal, promise: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
