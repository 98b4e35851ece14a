import type { ConfigIssue } from '../../diagnostics/issue.ts';
import type { Parsed } from '../../diagnostics/issues.ts';
import { type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import { type ApiClient, describeAnswer, describeNoAnswer } from '../../kube-api/api-client.ts';
import { isObjectName } from '../../kube-api/discovery.ts';
import type { ConfigProblem } from '../config-source.ts';

export interface NamedObjectsOptions<T> {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly parse: (document: unknown) => Parsed<T>;
  readonly api: Pick<ApiClient, 'request'>;
  /** What is known of an object changed. */
  readonly onChange: () => void;
  /** Requests a second that the API server gives us; a quarter of them goes here at most. @default 50 */
  readonly qps?: number;
  /** How often each object is read again. @default 60,000 */
  readonly refreshMs?: number;
  /** How soon one is looked for again that is missing or forbidden; doubles up to half a minute. @default 5,000 */
  readonly retryMs?: number;
  readonly random?: () => number;
}

/**
 * The Secrets or ConfigMaps that Providers name, and no others, each read by its name: that needs no permission to list,
 * and an object that nobody names is never in memory.
 */
export interface NamedObjects<T> {
  /** Says which objects are needed. New ones are read at once, others are forgotten. */
  need(names: Iterable<NamespacedName>): void;
  get(name: NamespacedName): T | undefined;
  /** Reads them at once: a Provider changed, or its receiver refused what we know. */
  refresh(names: Iterable<NamespacedName>): void;
  /** How many have not been answered for yet. */
  readonly pending: number;
  /** Objects that may not be read, or make no sense. */
  problems(): readonly ConfigProblem[];
  close(): void;
}

interface Known<T> {
  readonly name: NamespacedName;
  object: T | undefined;
  version: string | undefined;
  issue: ConfigIssue | undefined;
  /** Whether the API server has answered for it. */
  answered: boolean;
  failures: number;
  reading: boolean;
  /** Asked for while it was being read: what comes may be old. */
  again: boolean;
  dueAt: number;
}

const CONCURRENT = 32;
const MAX_RETRY_MS = 30_000;
/** After so many attempts without an answer an object counts as one that cannot be read. */
const GIVE_UP_AFTER = 3;

export function createNamedObjects<T>(options: NamedObjectsOptions<T>): NamedObjects<T> {
  const { kind, parse, api, onChange, qps = 50, refreshMs = 60_000, retryMs = 5_000, random = Math.random } = options;
  const known = new Map<string, Known<T>>();
  const closing = new AbortController();
  let inFlight = 0;
  let timer: NodeJS.Timeout | undefined;

  /** Between 80 and 120 % of it, and longer where so many objects would take too much of the API server. */
  const spread = (ms: number): number => Math.max(ms, (known.size / (qps / 4)) * 1000) * (0.8 + random() * 0.4);

  const settle = (one: Known<T>, object: T | undefined, version: string | undefined, issue?: ConfigIssue) => {
    const first = !one.answered;
    const changed = version !== one.version || issue?.found !== one.issue?.found;
    one.answered = true;
    one.object = object;
    one.version = version;
    one.issue = issue;
    one.failures = object ? 0 : one.failures + 1;
    const backoff = Math.min(retryMs * 2 ** (one.failures - 1), MAX_RETRY_MS);
    one.dueAt = performance.now() + spread(object ? refreshMs : backoff);
    if (first || changed) onChange();
  };

  const read = async (one: Known<T>): Promise<void> => {
    const { namespace, name } = one.name;
    if (!isObjectName(name)) return settle(one, undefined, undefined);
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/${kind.toLowerCase()}s/${encodeURIComponent(name)}`;
    try {
      const response = await api.request({ path, signal: closing.signal });
      const { status, body } = response;
      if (known.get(nameOf(one.name)) !== one) return;
      if (status === 200) {
        const version = (body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
        if (version === one.version && one.object) return settle(one, one.object, version);
        const { value, issues } = parse(body);
        return settle(one, value, version, issues[0]);
      }
      if (status === 404) return settle(one, undefined, undefined);
      if (status === 403) return settle(one, undefined, undefined, forbidden(kind));
      failed(one, describeAnswer(response));
    } catch (error) {
      if (!closing.signal.aborted) failed(one, describeNoAnswer(error));
    }
  };

  /** No answer: what was known stays. */
  const failed = (one: Known<T>, found: string) => {
    one.failures++;
    one.dueAt = performance.now() + spread(Math.min(1000 * 2 ** (one.failures - 1), MAX_RETRY_MS));
    if (one.answered || one.failures < GIVE_UP_AFTER) return;
    one.answered = true;
    one.issue = { path: kind, expected: 'an answer of the API server', found };
    onChange();
  };

  const pump = () => {
    clearTimeout(timer);
    if (closing.signal.aborted) return;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const one of known.values()) {
      if (one.reading) continue;
      if (one.dueAt > now || inFlight >= CONCURRENT) {
        next = Math.min(next, one.dueAt);
        continue;
      }
      one.reading = true;
      inFlight++;
      void read(one).finally(() => {
        inFlight--;
        one.reading = false;
        if (one.again) {
          one.again = false;
          one.dueAt = 0;
        }
        pumpSoon();
      });
    }
    // while as many are read as may be, the end of one of them goes on
    if (next < Number.POSITIVE_INFINITY && inFlight < CONCURRENT) {
      timer = setTimeout(pump, Math.max(next - now, 10)).unref();
    }
  };
  let pumping = false;
  const pumpSoon = () => {
    if (pumping) return;
    pumping = true;
    setImmediate(() => {
      pumping = false;
      pump();
    });
  };

  return {
    need(names) {
      const wanted = new Map<string, NamespacedName>();
      for (const name of names) wanted.set(nameOf(name), name);
      for (const key of known.keys()) if (!wanted.has(key)) known.delete(key);
      let more = false;
      for (const [key, { namespace, name }] of wanted) {
        if (known.has(key)) continue;
        more = true;
        known.set(key, { name: { namespace, name }, ...unread });
      }
      if (more) pumpSoon();
    },
    get: (name) => known.get(nameOf(name))?.object,
    refresh(names) {
      for (const name of names) {
        const one = known.get(nameOf(name));
        if (!one) continue;
        one.dueAt = 0;
        if (one.reading) one.again = true;
      }
      pumpSoon();
    },
    get pending() {
      let pending = 0;
      for (const { answered } of known.values()) if (!answered) pending++;
      return pending;
    },
    problems() {
      const problems: ConfigProblem[] = [];
      for (const { name, issue } of known.values()) {
        if (issue) problems.push({ object: `${kind} ${nameOf(name)}`, severity: 'error', issue });
      }
      return problems;
    },
    close() {
      closing.abort();
      clearTimeout(timer);
    },
  };
}

const unread: Omit<Known<never>, 'name'> = {
  object: undefined,
  version: undefined,
  issue: undefined,
  answered: false,
  failures: 0,
  reading: false,
  again: false,
  dueAt: 0,
};

const forbidden = (kind: string): ConfigIssue => ({
  path: kind,
  expected: 'permission to get it',
  found: 'none: the API server forbids it',
});
