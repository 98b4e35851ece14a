import { createIssue, type Issue, type Parsed, withOwner } from '../../diagnostics/issue.ts';
import { type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import { isObjectName, objectPath } from '../../kube-api/discovery.ts';
import { describeAnswer, describeNoAnswer, isNotFound, type KubeClient } from '../../kube-api/kube-client.ts';
import { backoffMs } from '../../lib/backoff.ts';
import type { UnreadPart } from '../config-source.ts';

export interface NamedObjectsOptions<T> {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly parse: (document: unknown) => Parsed<T>;
  readonly api: Pick<KubeClient, 'request'>;
  /** Called when an object was added, changed or removed. */
  readonly onChange: () => void;
  /** The rate limit of the client in requests a second; reading these objects takes at most a quarter of it. @default 50 */
  readonly qps?: number;
  /** How often each object is read again. @default 60,000 */
  readonly refreshMs?: number;
  /** How soon a missing or forbidden object is read again; doubles up to 30 s. @default 5,000 */
  readonly retryMs?: number;
  /** How soon an object is read again after no answer; doubles up to 30 s. @default 1,000 */
  readonly noAnswerRetryMs?: number;
  /** Failures to read an object again that are shorter than this are not reported. @default 10,000 */
  readonly staleAfterMs?: number;
  readonly random?: () => number;
}

/**
 * The Secrets or ConfigMaps that Providers name, and no others. Each is read by its name: that needs no permission to list,
 * and no other object is ever in memory. An object that was read stays as it was while it cannot be read: it is gone when the
 * API server says that it does not exist.
 */
export interface NamedObjects<T> {
  /** Sets which objects are read. New ones are read at once, all others are forgotten. */
  follow(names: Iterable<NamespacedName>): void;
  get(name: NamespacedName): T | undefined;
  /** Reads the objects again at once. */
  refresh(names: Iterable<NamespacedName>): void;
  /** How many objects the API server has not answered for yet. */
  readonly pending: number;
  /** Objects that cannot be read or are not valid. */
  problems(): readonly Issue[];
  /**
   * Objects for which the API server has had no answer for a while. Not those that it forbids: that is an answer, which
   * concerns the one Provider, and everyone who may create a Provider can bring it about.
   */
  unread(): readonly UnreadPart[];
  close(): void;
}

interface FollowedObject<T> {
  readonly name: NamespacedName;
  object: T | undefined;
  version: string | undefined;
  issue: Issue | undefined;
  /** Whether the API server has answered for it. */
  answered: boolean;
  failures: number;
  /** Since when there has been no answer; undefined while there is one. */
  silentSinceMs: number | undefined;
  reading: boolean;
  /** A refresh was asked for while it was being read: that answer may be older. */
  readAgain: boolean;
  dueAt: number;
}

const CONCURRENT = 32;
const MAX_RETRY_MS = 30_000;
/** After this many attempts without an answer, an object that was never read is a problem. */
const GIVE_UP_AFTER = 3;

/** Without jitter, which `spread` adds. */
const retryAfterMs = (failures: number, firstMs: number): number =>
  backoffMs(failures, 0, { firstMs, maxMs: MAX_RETRY_MS, jitter: 0 });

export function createNamedObjects<T>(options: NamedObjectsOptions<T>): NamedObjects<T> {
  const { kind, parse, api, onChange, qps = 50, refreshMs = 60_000, retryMs = 5_000 } = options;
  const { noAnswerRetryMs = 1_000, staleAfterMs = 10_000, random = Math.random } = options;
  const followed = new Map<string, FollowedObject<T>>();
  const closing = new AbortController();
  let inFlight = 0;
  let timer: NodeJS.Timeout | undefined;

  /** Between 80 and 120 % of the time, and longer where this many objects would take too much of the rate limit. */
  const spread = (ms: number): number => Math.max(ms, (followed.size / (qps / 4)) * 1000) * (0.8 + random() * 0.4);

  const settle = (entry: FollowedObject<T>, object: T | undefined, version: string | undefined, issue?: Issue) => {
    const first = !entry.answered;
    const changed = version !== entry.version || issue?.found !== entry.issue?.found;
    entry.answered = true;
    entry.object = object;
    entry.version = version;
    entry.issue = issue;
    entry.silentSinceMs = undefined;
    const good = object !== undefined && issue === undefined;
    entry.failures = good ? 0 : entry.failures + 1;
    entry.dueAt = performance.now() + spread(good ? refreshMs : retryAfterMs(entry.failures, retryMs));
    if (first || changed) onChange();
  };

  const read = async (entry: FollowedObject<T>): Promise<void> => {
    if (!isObjectName(entry.name.name)) return settle(entry, undefined, undefined);
    const path = objectPath({ apiVersion: 'v1', resource: `${kind.toLowerCase()}s` }, entry.name);
    try {
      const response = await api.request({ path, signal: closing.signal });
      const { status, body } = response;
      if (followed.get(nameOf(entry.name)) !== entry) return;
      if (status === 200) {
        const { metadata } = (body ?? {}) as { metadata?: { name?: string; resourceVersion?: string } };
        const version = metadata?.resourceVersion;
        if (metadata?.name !== entry.name.name || !version) throw new Error('an answer that is not the object');
        if (version === entry.version && entry.object) return settle(entry, entry.object, version);
        const { value, issues } = parse(body);
        return settle(entry, value, version, issues[0]);
      }
      if (isNotFound(response, entry.name.name)) return settle(entry, undefined, undefined);
      if (status === 403) return settle(entry, entry.object, entry.version, forbidden);
      failed(entry, describeAnswer(response));
    } catch (error) {
      if (!closing.signal.aborted) failed(entry, describeNoAnswer(error));
    }
  };

  /** There was no answer: an object that was read before stays as it was. */
  const failed = (entry: FollowedObject<T>, found: string) => {
    const now = performance.now();
    entry.failures = entry.silentSinceMs === undefined ? 1 : entry.failures + 1;
    entry.silentSinceMs ??= now;
    entry.dueAt = now + spread(retryAfterMs(entry.failures, noAnswerRetryMs));
    const isReported = entry.answered ? now - entry.silentSinceMs >= staleAfterMs : entry.failures >= GIVE_UP_AFTER;
    if (!isReported || entry.issue?.code === 'unreachable') return;
    entry.answered = true;
    entry.issue = createIssue('unreachable', [], 'an answer of the API server', found);
    onChange();
  };

  const readDue = () => {
    clearTimeout(timer);
    if (closing.signal.aborted) return;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const entry of followed.values()) {
      if (entry.reading) continue;
      if (entry.dueAt > now || inFlight >= CONCURRENT) {
        next = Math.min(next, entry.dueAt);
        continue;
      }
      entry.reading = true;
      inFlight++;
      void read(entry).finally(() => {
        inFlight--;
        entry.reading = false;
        if (entry.readAgain) {
          entry.readAgain = false;
          entry.dueAt = 0;
        }
        readDueSoon();
      });
    }
    // at the limit, the next read that ends continues here
    if (next < Number.POSITIVE_INFINITY && inFlight < CONCURRENT) {
      timer = setTimeout(readDue, Math.max(next - now, 10)).unref();
    }
  };
  let scheduled = false;
  const readDueSoon = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      readDue();
    });
  };

  return {
    follow(names) {
      const wanted = new Map<string, NamespacedName>();
      for (const name of names) wanted.set(nameOf(name), name);
      for (const key of followed.keys()) if (!wanted.has(key)) followed.delete(key);
      let more = false;
      for (const [key, { namespace, name }] of wanted) {
        if (followed.has(key)) continue;
        more = true;
        followed.set(key, { name: { namespace, name }, ...unread });
      }
      if (more) readDueSoon();
    },
    get: (name) => followed.get(nameOf(name))?.object,
    refresh(names) {
      for (const name of names) {
        const entry = followed.get(nameOf(name));
        if (!entry) continue;
        entry.dueAt = 0;
        if (entry.reading) entry.readAgain = true;
      }
      readDueSoon();
    },
    get pending() {
      let pending = 0;
      for (const { answered } of followed.values()) if (!answered) pending++;
      return pending;
    },
    problems() {
      const problems: Issue[] = [];
      for (const { name, issue } of followed.values()) {
        if (issue) problems.push(withOwner({ kind, ...name }, issue));
      }
      return problems;
    },
    unread() {
      const parts: UnreadPart[] = [];
      for (const { name, issue, silentSinceMs: sinceMs } of followed.values()) {
        if (issue?.code !== 'unreachable' || sinceMs === undefined) continue;
        parts.push({ problem: withOwner({ kind, ...name }, issue), sinceMs, mayHoldMore: false });
      }
      return parts;
    },
    close() {
      closing.abort();
      clearTimeout(timer);
    },
  };
}

const unread: Omit<FollowedObject<never>, 'name'> = {
  object: undefined,
  version: undefined,
  issue: undefined,
  answered: false,
  failures: 0,
  silentSinceMs: undefined,
  reading: false,
  readAgain: false,
  dueAt: 0,
};

const forbidden = createIssue('forbidden', [], 'permission to get it', 'none: the API server forbids it');
