import { LRUCache } from 'lru-cache';
import { type InvolvedObject, nameOf } from '../../flux/object-ref.ts';
import {
  type Discovery,
  isApiVersion,
  isObjectName,
  objectPath,
  type ServedResource,
} from '../../kube-api/discovery.ts';
import { describeAnswer, describeNoAnswer, isNotFound, type KubeClient } from '../../kube-api/kube-client.ts';
import { steadyNow } from '../../lib/steady-now.ts';
import { configNotLoaded, type Labels } from '../config-source.ts';

/** The labels of an object cannot be read any more, or can be read again. `lastKnown`: those that were read before are used. */
export type LabelsChange =
  | {
      readonly object: InvolvedObject;
      readonly state: 'unreadable';
      readonly error: string;
      readonly lastKnown: boolean;
    }
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

/**
 * Reads the labels of an involved object. Concurrent calls for one object share one request. Labels that were read are used
 * while they cannot be read again.
 * @returns undefined when there is no such object or kind, or when reading it is forbidden and always was
 * @throws {FluxCDEventsError} `FCE_CONFIG_NOT_LOADED` when they were never read, and the API server has no answer now
 */
export type LabelReader = (object: InvolvedObject) => Promise<Labels | undefined>;

const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** While the API server has no answer, its Alerts and Providers are a problem; labels are one of their own after this time. */
const STALE_AFTER_MS = 60 * 60 * 1000;
/** Client errors that say nothing of the object; 404 is decided by its body. */
const NO_ANSWER = [401, 404, 408, 429];
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
  const { api, discovery, onChange, maxAgeMs = 5_000, maxEntries = 5_000, now = steadyNow } = options;
  const { answerWithinMs = 3_000 } = options;
  const cache = new LRUCache<string, Cached>({ max: maxEntries });
  const inFlight = new Map<string, Promise<Labels | undefined>>();
  const unreadable = new LRUCache<string, true>({ max: maxEntries });
  const kinds = new LRUCache<string, KnownKinds>({ max: MAX_KINDS });

  const isReadable = (object: InvolvedObject, key: string) => {
    if (unreadable.delete(key)) onChange?.({ object, state: 'readable' });
  };
  const isUnreadable = (object: InvolvedObject, key: string, error: string, lastKnown: boolean) => {
    if (unreadable.has(key)) return;
    unreadable.set(key, true);
    onChange?.({ object, state: 'unreadable', error, lastKnown });
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

  /**
   * Finds the kind in the API version of the event, or in a served version of the group when that is not served any more.
   * @returns why there is no such kind, if there is none
   * @throws when discovery fails
   */
  const locate = async ({
    apiVersion = '',
    kind,
    namespace,
    name,
  }: InvolvedObject): Promise<ServedResource | string> => {
    // a sender of events must not be able to choose any path of the API server
    if (!isApiVersion(apiVersion)) return 'apiVersion is missing or malformed';
    if (!isObjectName(namespace) || !isObjectName(name)) return 'name or namespace is malformed';
    const found = (await kindsOf(apiVersion)).find((resource) => resource.kind === kind);
    if (found) return found;
    const [group, version] = apiVersion.split('/');
    if (group && version) {
      for (const other of await discovery.versions(group)) {
        const served = (await kindsOf(`${group}/${other}`)).find((resource) => resource.kind === kind);
        if (served) return served;
      }
    }
    return `kind ${kind} of ${apiVersion} is not served by the API server`;
  };

  const read = async (object: InvolvedObject, key: string): Promise<Labels | undefined> => {
    const signal = AbortSignal.timeout(answerWithinMs);
    const known = cache.get(key);
    /** The API server says that the labels cannot be had, which does not change them if they were read before. */
    const refused = (error: string) => {
      isUnreadable(object, key, error, known?.labels !== undefined);
      return known?.labels;
    };
    try {
      const served = await within(signal, locate(object));
      if (typeof served === 'string') return refused(served);
      const path = objectPath(served, object);
      const response = await api.request({ path, accept: `${METADATA_ONLY},application/json`, signal });
      const { status, body } = response;
      if (status === 200) {
        const { metadata } = (body ?? {}) as { metadata?: { name?: string; labels?: Labels } };
        if (metadata?.name !== object.name) throw new Error('an answer that is not the object');
        const labels = metadata.labels ?? {};
        cache.set(key, { labels, readAt: now() });
        isReadable(object, key);
        return labels;
      }
      if (isNotFound(response, object.name)) {
        cache.set(key, { labels: undefined, readAt: now() });
        isUnreadable(object, key, describeAnswer(response), false);
        return undefined;
      }
      if (status >= 500 || NO_ANSWER.includes(status)) throw new Error(describeAnswer(response));
      cache.set(key, { labels: known?.labels, readAt: now() }); // forbidden: not read again for every event
      return refused(describeAnswer(response));
    } catch (thrown) {
      const error = describeNoAnswer(thrown);
      if (!known?.labels) {
        isUnreadable(object, key, error, false);
        const message = `the labels of ${object.kind} ${nameOf(object)} cannot be read: ${error}`;
        throw configNotLoaded(message, thrown);
      }
      if (now() - known.readAt > STALE_AFTER_MS) isUnreadable(object, key, error, true);
      return known.labels;
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
