import { isDeepStrictEqual } from 'node:util';
import { type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import { resourcePath, type ServedResource } from '../../kube-api/discovery.ts';
import {
  type ApiResponse,
  describeAnswer,
  describeNoAnswer,
  type KubeClient,
  type WatchEvent,
} from '../../kube-api/kube-client.ts';
import { createBackoff } from '../../lib/backoff.ts';
import { sleep } from '../../lib/sleep.ts';
import type { Logger } from '../../observe/log.ts';
import { OPTION_PREFIX } from '../../provider/provider-options.ts';

/** Identifies one version of one stored object. */
export interface ObjectIdentity extends NamespacedName {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** An object of the collection, and what it was parsed to. */
export interface WatchedObject<T> {
  readonly identity: ObjectIdentity;
  /** The version of the API that it was read in. */
  readonly apiVersion: string;
  readonly value: T;
}

export interface CollectionOptions<T> {
  readonly api: Pick<KubeClient, 'request' | 'watch'>;
  /** In messages: `Alerts`. */
  readonly title: string;
  /** The CustomResourceDefinition, in messages: `alerts.notification.toolkit.fluxcd.io`. */
  readonly definition: string;
  /** Finds where the type is served now; undefined while it is not. @throws when discovery fails */
  readonly locate: () => Promise<ServedResource | undefined>;
  /** Called once for each version of an object. @param before what the last version was parsed to */
  readonly parse: (document: object, before: T | undefined) => T;
  /** All namespaces when left out. */
  readonly namespace?: string;
  readonly onChange: () => void;
  readonly logger: Logger;
  /** How often to check which version of the API is served. @default 30,000 */
  readonly relocateMs?: number;
  /** How often to check for the CustomResourceDefinition while the type is not served. @default 5,000 */
  readonly absentMs?: number;
  /** The wait after the first failure; it doubles up to 30 s. @default 800, as client-go's reflector has it */
  readonly retryMs?: number;
  /** Failures shorter than this are not reported by `stale`. @default 10,000 */
  readonly staleAfterMs?: number;
  readonly random?: () => number;
}

/** All objects of one type, kept up to date by list and watch. */
export interface Collection<T> {
  readonly items: ReadonlyMap<string, WatchedObject<T>>;
  /** Where the objects are served. */
  readonly served: ServedResource | undefined;
  /** Why no list is complete yet; undefined once one is, however old. */
  waitsFor(): string | undefined;
  /** Why the collection has been out of date for a while, and since when; undefined when it is up to date. */
  stale(): { readonly reason: string; readonly sinceMs: number } | undefined;
  /** Lists and watches until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const LIST_LIMIT = 500;
/** Between this and twice of it, as in client-go, so that the watches of many clients do not end together. */
const MIN_WATCH_SECONDS = 300;
/** After a watch that was shorter, the next one waits. */
const SHORT_WATCH_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/**
 * Why a watch is over. `expired`: the API server no longer has the changes since the resourceVersion; `moved`: the type is
 * served in another version now.
 */
type WatchEnd = 'ended' | 'expired' | 'moved';

/**
 * Lists the objects once and watches them from the resourceVersion of the list. After a broken connection the watch resumes
 * at the last resourceVersion; only when the API server no longer has it (410) are all objects listed again. While the API
 * server is away, refuses, or does not serve the type, the objects stay as they were read last. An object is gone when it is
 * missing from a whole list, or when the watch says so; that is also how the objects of a CustomResourceDefinition go that is
 * deleted.
 */
export function createCollection<T>(options: CollectionOptions<T>): Collection<T> {
  const {
    api,
    title,
    definition,
    locate,
    parse,
    namespace,
    onChange,
    logger,
    relocateMs = 30_000,
    absentMs = 5_000,
    retryMs = 800,
    staleAfterMs = 10_000,
    random = Math.random,
  } = options;
  const retry = { firstMs: retryMs / 2, maxMs: MAX_RETRY_MS, jitter: 1 };
  let items = new Map<string, WatchedObject<T>>();
  let served: ServedResource | undefined;
  let synced = false;
  let failure: string | undefined = `${title} are not read yet`;
  let failingSince = performance.now();
  let stale = false;

  /** Logs a failure when it is a new one, and reports it when it lasts. */
  const failed = (text: string, level: 'info' | 'error') => {
    if (text !== failure) logger[level]({ reason: text }, synced ? 'configuration is not up to date' : 'waiting');
    if (failure === undefined) failingSince = performance.now();
    failure = text;
    if (!synced || stale || performance.now() - failingSince < staleAfterMs) return;
    stale = true;
    onChange();
  };
  const recovered = () => {
    if (synced && failure !== undefined) logger.info({}, `${title} are up to date again`);
    failure = undefined;
    if (!stale) return;
    stale = false;
    onChange();
  };

  const parseIfNew = (
    document: object,
    at: ServedResource,
    before: WatchedObject<T> | undefined,
  ): WatchedObject<T> | undefined => {
    const identity = identityOf(document);
    if (!identity) return undefined;
    const same = before?.identity.uid === identity.uid;
    if (same && before.identity.resourceVersion === identity.resourceVersion && before.apiVersion === at.apiVersion) {
      return before;
    }
    const value = parse(relevantFields(document, at), same ? before.value : undefined);
    // an equal value keeps its identity, so that nothing is derived from it again
    const unchanged = same && isDeepStrictEqual(value, before.value) ? before.value : value;
    return { identity, apiVersion: at.apiVersion, value: unchanged };
  };

  /** @returns the resourceVersion to watch from; undefined when the type is not served here any more */
  const list = async (at: ServedResource, signal: AbortSignal): Promise<string | undefined> => {
    const next = new Map<string, WatchedObject<T>>();
    for (let token = ''; ; ) {
      const query = new URLSearchParams({ limit: String(LIST_LIMIT), ...(token && { continue: token }) });
      const response = await api.request({ path: `${resourcePath(at, namespace)}?${query}`, signal });
      if (response.status === 404) return undefined;
      if (response.status === 410 && token) {
        token = ''; // the API server no longer has the state that the first pages came from
        next.clear();
        continue;
      }
      if (response.status !== 200) throw new Error(describeAnswer(response));
      const { metadata, items: page } = listIn(response, at);
      for (const document of page ?? []) {
        const name = identityOf(document);
        const object = name && parseIfNew(document, at, items.get(nameOf(name)));
        if (object) next.set(nameOf(name), object);
      }
      token = metadata.continue ?? '';
      if (token) continue;
      items = next;
      served = at;
      recovered();
      synced = true;
      onChange();
      return metadata.resourceVersion;
    }
  };

  /** Applies one event. @returns the resourceVersion to resume from; undefined when it expired */
  const apply = ({ type, object }: WatchEvent, at: ServedResource, from: string): string | undefined => {
    if (type === 'ERROR') {
      const response = { status: (object as { code?: number }).code ?? 500, body: object };
      if (response.status === 410) return undefined;
      throw new Error(describeAnswer(response));
    }
    if (type === 'BOOKMARK') return versionOf(object) ?? from;
    const identity = identityOf(object);
    if (!identity) return from;
    const key = nameOf(identity);
    const before = items.get(key);
    if (type === 'DELETED') items.delete(key);
    else {
      const after = parseIfNew(object as object, at, before);
      if (after) items.set(key, after);
      if (after?.value === before?.value && after?.identity.uid === before?.identity.uid)
        return identity.resourceVersion;
    }
    onChange();
    return identity.resourceVersion;
  };

  const watch = async (at: ServedResource, cursor: { version: string }, signal: AbortSignal): Promise<WatchEnd> => {
    const query = new URLSearchParams({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: cursor.version,
      timeoutSeconds: String(Math.round(MIN_WATCH_SECONDS * (1 + random()))),
    });
    const answer = await api.watch(`${resourcePath(at, namespace)}?${query}`, signal);
    if (!('events' in answer)) return refused(answer);
    recovered();
    for await (const event of answer.events) {
      const version = apply(event, at, cursor.version);
      if (version === undefined) return 'expired';
      cursor.version = version;
    }
    return 'ended';
  };

  /** Watches from a list on, until it has to be listed again. */
  const follow = async (at: ServedResource, version: string, signal: AbortSignal): Promise<void> => {
    const cursor = { version };
    const backoff = createBackoff(retry, random);
    while (!signal.aborted) {
      const moved = new AbortController();
      const begun = performance.now();
      const timer = setInterval(
        () => {
          void hasMoved(at).then((isMoved) => isMoved && moved.abort());
        },
        relocateMs * (0.8 + random() * 0.4),
      );
      let end: WatchEnd;
      try {
        end = await watch(at, cursor, AbortSignal.any([signal, moved.signal]));
      } catch (error) {
        if (signal.aborted) return;
        if (moved.signal.aborted) end = 'moved';
        else {
          failed(`${title} cannot be watched: ${describeNoAnswer(error)}`, 'error');
          end = 'ended';
        }
      } finally {
        clearInterval(timer);
      }
      if (end !== 'ended') return;
      const short = performance.now() - begun < SHORT_WATCH_MS;
      if (!short) backoff.reset();
      if (short || failure !== undefined) await sleep(backoff.next(), signal);
      // an API server ends the watches of a type whose definition changed
      if (await hasMoved(at)) return;
    }
  };

  /** False when the API server does not say. */
  const hasMoved = async (at: ServedResource): Promise<boolean> => {
    try {
      const now = await locate();
      return now?.apiVersion !== at.apiVersion || now.resource !== at.resource;
    } catch {
      return false;
    }
  };

  return {
    get items() {
      return items;
    },
    get served() {
      return served;
    },
    waitsFor: () => (synced ? undefined : failure),
    stale: () => (stale && failure !== undefined ? { reason: failure, sinceMs: failingSince } : undefined),
    async run(signal) {
      const backoff = createBackoff(retry, random);
      while (!signal.aborted) {
        try {
          const at = await locate();
          const version = at && (await list(at, signal));
          if (at && version !== undefined) {
            const begun = performance.now();
            await follow(at, version, signal);
            if (performance.now() - begun < SHORT_WATCH_MS) await sleep(backoff.next(), signal);
            else backoff.reset();
            continue;
          }
          failed(`${title} are not served by the API server: is ${definition} installed?`, 'info');
          await sleep(absentMs * (0.8 + random() * 0.4), signal);
        } catch (error) {
          if (signal.aborted) return;
          failed(`${title} cannot be listed: ${describeNoAnswer(error)}`, 'error');
          await sleep(backoff.next(), signal);
        }
      }
    },
  };
}

interface ObjectList {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items?: readonly object[] | null;
}

/** @throws when the answer is not a list, which must not count as an empty one: what answered may be a proxy */
function listIn({ body }: ApiResponse, { kind }: ServedResource): ObjectList {
  const list = (body ?? {}) as Partial<ObjectList> & { readonly kind?: unknown };
  if (list.kind !== `${kind}List` || !list.metadata?.resourceVersion) throw new Error(`not a list of ${kind} objects`);
  return list as ObjectList;
}

/** Why the API server refused a watch. @throws when listing again would not help */
function refused(answer: ApiResponse): WatchEnd {
  if (answer.status === 410) return 'expired';
  if (answer.status === 404) return 'moved';
  throw new Error(describeAnswer(answer));
}

function identityOf(document: unknown): ObjectIdentity | undefined {
  const { metadata } = document as { readonly metadata?: Partial<ObjectIdentity> };
  const { namespace, name, uid, resourceVersion } = metadata ?? {};
  if (!namespace || !name || !uid || !resourceVersion) return undefined;
  return { namespace, name, uid, resourceVersion };
}

/** The fields that are parsed: managed fields and `last-applied-configuration` would outweigh them. */
function relevantFields(document: object, { apiVersion, kind }: ServedResource): object {
  const { metadata, spec } = document as {
    readonly metadata: { readonly name: string; readonly namespace: string; readonly annotations?: object };
    readonly spec?: unknown;
  };
  const { name, namespace, annotations = {} } = metadata;
  const ours = Object.entries(annotations).filter(([key]) => key.startsWith(OPTION_PREFIX));
  const relevant = { name, namespace, ...(ours.length > 0 && { annotations: Object.fromEntries(ours) }) };
  return { apiVersion, kind, metadata: relevant, spec };
}

const versionOf = (document: unknown): string | undefined =>
  (document as { readonly metadata?: { readonly resourceVersion?: string } }).metadata?.resourceVersion;
