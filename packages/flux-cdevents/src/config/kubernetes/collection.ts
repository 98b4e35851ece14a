import { isDeepStrictEqual } from 'node:util';
import { type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import { type ApiClient, type ApiResponse, describeAnswer, describeNoAnswer } from '../../kube-api/api-client.ts';
import { createBackoff, sleep } from '../../kube-api/backoff.ts';
import { resourcePath, type ServedResource } from '../../kube-api/discovery.ts';
import type { Logger } from '../../observe/log.ts';
import { OPTION_PREFIX } from '../../provider/provider-options.ts';

/** What every stored object says of itself. */
export interface ObjectMeta extends NamespacedName {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** An object as it is kept: its identity, and what was made of it. */
export interface Kept<T> {
  readonly meta: ObjectMeta;
  /** The version of the API that it was read in. */
  readonly apiVersion: string;
  readonly value: T;
}

export interface CollectionOptions<T> {
  readonly api: Pick<ApiClient, 'request' | 'watch'>;
  /** In messages: `Alerts`. */
  readonly title: string;
  /** Name of the CustomResourceDefinition, in messages. */
  readonly definition: string;
  /** Where it is served now; undefined while it is not. @throws when discovery fails */
  readonly locate: () => Promise<ServedResource | undefined>;
  /** Reads an object once, when it is new. @param before what it was read as last */
  readonly parse: (document: object, before: T | undefined) => T;
  /** All namespaces when left out. */
  readonly namespace?: string;
  readonly onChange: () => void;
  readonly logger: Logger;
  /** How often it is looked whether a better version is served. @default 30,000 */
  readonly relocateMs?: number;
  /** How often it is looked whether it is served by now. @default 5,000 */
  readonly absentMs?: number;
  readonly random?: () => number;
}

/** All objects of one type, kept up to date by list and watch. */
export interface Collection<T> {
  readonly items: ReadonlyMap<string, Kept<T>>;
  /** Where the objects are served. */
  readonly served: ServedResource | undefined;
  /** Why there is no complete list yet; undefined when there is one, however old. */
  waitsFor(): string | undefined;
  /** Why the objects may not be as they are in the cluster now, once that lasts; undefined when they are. */
  staleFor(): string | undefined;
  /** Lists and watches until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const LIST_LIMIT = 500;
/** As client-go: so that the watches of many clients do not end together. */
const MIN_WATCH_SECONDS = 300;
/** A watch that ends sooner was not worth it, and the next one waits. */
const SHORT_WATCH_MS = 1_000;

/** A trouble that passes sooner is none. */
const STALE_AFTER_MS = 10_000;

/** Why a watch is over. `expired`: what came since is not known any more; `moved`: the version is not served so now. */
type WatchEnd = 'ended' | 'expired' | 'moved';

/**
 * The list is taken once and then followed from its resourceVersion. A broken connection is resumed where it broke;
 * only when the API server has forgotten that place (410) everything is listed anew. Whatever happens, what was read
 * last stays: an API server that is away changes nothing.
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
  } = options;
  const { random = Math.random } = options;
  let items = new Map<string, Kept<T>>();
  let served: ServedResource | undefined;
  let synced = false;
  let trouble: string | undefined = `${title} are not read yet`;
  let troubleSince = performance.now();
  let stale = false;

  /** Says what is wrong once, until it is something else. */
  const inTrouble = (text: string, level: 'info' | 'error') => {
    if (text !== trouble) logger[level]({ trouble: text }, synced ? 'configuration is not up to date' : 'waiting');
    if (trouble === undefined) troubleSince = performance.now();
    trouble = text;
    if (!synced || stale || performance.now() - troubleSince < STALE_AFTER_MS) return;
    stale = true;
    onChange();
  };
  const outOfTrouble = () => {
    if (synced && trouble !== undefined) logger.info({}, `${title} are up to date again`);
    trouble = undefined;
    if (!stale) return;
    stale = false;
    onChange();
  };

  const keep = (document: object, at: ServedResource, before: Kept<T> | undefined): Kept<T> | undefined => {
    const meta = metaOf(document);
    if (!meta) return undefined;
    const same = before?.meta.uid === meta.uid;
    if (same && before.meta.resourceVersion === meta.resourceVersion && before.apiVersion === at.apiVersion) {
      return before;
    }
    const value = parse(essenceOf(document, at), same ? before.value : undefined);
    // one that says the same stays the same, so that nothing is made of it again
    const kept = same && isDeepStrictEqual(value, before.value) ? before.value : value;
    return { meta, apiVersion: at.apiVersion, value: kept };
  };

  /** @returns the resourceVersion to watch from; undefined when it has to be located again */
  const list = async (at: ServedResource, signal: AbortSignal): Promise<string | undefined> => {
    const next = new Map<string, Kept<T>>();
    for (let token = ''; ; ) {
      const query = new URLSearchParams({ limit: String(LIST_LIMIT), ...(token && { continue: token }) });
      const response = await api.request({ path: `${resourcePath(at, namespace)}?${query}`, signal });
      if (response.status === 404) return undefined;
      if (response.status === 410 && token) {
        token = ''; // the list took longer than the API server remembers: from the start
        next.clear();
        continue;
      }
      if (response.status !== 200) throw new Error(describeAnswer(response));
      const { metadata, items: page } = response.body as ObjectList;
      for (const document of page ?? []) {
        const name = metaOf(document);
        const kept = name && keep(document, at, items.get(nameOf(name)));
        if (kept) next.set(nameOf(kept.meta), kept);
      }
      token = metadata.continue ?? '';
      if (token) continue;
      items = next;
      served = at;
      outOfTrouble();
      synced = true;
      onChange();
      return metadata.resourceVersion;
    }
  };

  /** Takes in one event. @returns the resourceVersion to go on from; undefined when there is none any more */
  const apply = (type: string, object: unknown, at: ServedResource, from: string): string | undefined => {
    if (type === 'ERROR') {
      const response = { status: (object as { code?: number }).code ?? 500, body: object };
      if (response.status === 410) return undefined;
      throw new Error(describeAnswer(response));
    }
    if (type === 'BOOKMARK') return versionOf(object) ?? from;
    const meta = metaOf(object);
    if (!meta) return from;
    const key = nameOf(meta);
    const before = items.get(key);
    if (type === 'DELETED') items.delete(key);
    else {
      const kept = keep(object as object, at, before);
      if (kept) items.set(key, kept);
      if (kept?.value === before?.value && kept?.meta.uid === before?.meta.uid) return meta.resourceVersion;
    }
    onChange();
    return meta.resourceVersion;
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
    outOfTrouble();
    for await (const { type, object } of answer.events) {
      const version = apply(type, object, at, cursor.version);
      if (version === undefined) return 'expired';
      cursor.version = version;
    }
    return 'ended';
  };

  /** Follows a list until it has to be taken anew. */
  const follow = async (at: ServedResource, version: string, signal: AbortSignal): Promise<void> => {
    const cursor = { version };
    const backoff = createBackoff(random);
    while (!signal.aborted) {
      const moved = new AbortController();
      const begun = performance.now();
      const timer = setInterval(
        () => {
          void isElsewhere(at).then((elsewhere) => elsewhere && moved.abort());
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
          inTrouble(`${title} cannot be watched: ${describeNoAnswer(error)}`, 'error');
          end = 'ended';
        }
      } finally {
        clearInterval(timer);
      }
      if (end !== 'ended') return;
      const short = performance.now() - begun < SHORT_WATCH_MS;
      if (!short) backoff.reset();
      if (short || trouble !== undefined) await sleep(backoff.next(), signal);
      // an API server ends the watches of a type whose definition changed
      if (await isElsewhere(at)) return;
    }
  };

  /** False as long as it is not known better. */
  const isElsewhere = async (at: ServedResource): Promise<boolean> => {
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
    waitsFor: () => (synced ? undefined : trouble),
    staleFor: () => (stale ? trouble : undefined),
    async run(signal) {
      const backoff = createBackoff(random);
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
          inTrouble(`${title} are not served by the API server: is ${definition} installed?`, 'info');
          await sleep(absentMs * (0.8 + random() * 0.4), signal);
        } catch (error) {
          if (signal.aborted) return;
          inTrouble(`${title} cannot be listed: ${describeNoAnswer(error)}`, 'error');
          await sleep(backoff.next(), signal);
        }
      }
    },
  };
}

interface ObjectList {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items?: readonly object[];
}

/** A watch that was not opened. @throws when neither time nor place is to blame */
function refused(answer: ApiResponse): WatchEnd {
  if (answer.status === 410) return 'expired';
  if (answer.status === 404) return 'moved';
  throw new Error(describeAnswer(answer));
}

function metaOf(document: unknown): ObjectMeta | undefined {
  const { metadata } = document as { readonly metadata?: Partial<ObjectMeta> };
  const { namespace, name, uid, resourceVersion } = metadata ?? {};
  if (!namespace || !name || !uid || !resourceVersion) return undefined;
  return { namespace, name, uid, resourceVersion };
}

/** An object without what nobody here reads: managed fields and `last-applied-configuration` outweigh all else. */
function essenceOf(document: object, { apiVersion, kind }: ServedResource): object {
  const { metadata, spec } = document as {
    readonly metadata: { readonly name: string; readonly namespace: string; readonly annotations?: object };
    readonly spec?: unknown;
  };
  const { name, namespace, annotations = {} } = metadata;
  const ours = Object.entries(annotations).filter(([key]) => key.startsWith(OPTION_PREFIX));
  const essence = { name, namespace, ...(ours.length > 0 && { annotations: Object.fromEntries(ours) }) };
  return { apiVersion, kind, metadata: essence, spec };
}

const versionOf = (document: unknown): string | undefined =>
  (document as { readonly metadata?: { readonly resourceVersion?: string } }).metadata?.resourceVersion;
