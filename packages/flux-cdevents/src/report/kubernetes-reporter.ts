import { hostname } from 'node:os';
import { LRUCache } from 'lru-cache';
import { nameOf } from '../flux/object-ref.ts';
import { describeAnswer, describeNoAnswer, type KubeClient } from '../kube-api/kube-client.ts';
import { steadyNow } from '../lib/steady-now.ts';
import { createTokenBucket } from '../lib/token-bucket.ts';
import type { Logger } from '../observe/log.ts';
import { createBudget } from './budget.ts';
import { type InvolvedReference, repetition, toKubeEvent } from './kube-event.ts';
import type { Report, ReportedObject, Reporter } from './reporter.ts';

export interface KubernetesReporterOptions {
  readonly api: Pick<KubeClient, 'request'>;
  /** Undefined for an object that does not exist. No Event is written about such an object. */
  readonly reference: (object: ReportedObject) => InvolvedReference | undefined;
  readonly logger: Logger;
  /** The name of this Pod, for `reportingInstance`. @default POD_NAME, else the host's name */
  readonly instance?: string;
  /** Epoch ms. @default Date.now */
  readonly now?: () => number;
}

/** The maximum number of waiting reports. Further reports are dropped. */
const MAX_WAITING = 1_000;
/** The maximum number of remembered Events, whose `count` is raised instead of writing new ones, as in client-go. */
const MAX_REMEMBERED = 4_096;
/** API servers keep Events for an hour. */
const REMEMBERED_MS = 55 * 60 * 1000;
/** The budget of one object, as in client-go. */
const PER_OBJECT = { burst: 25, intervalMs: 5 * 60 * 1000 };
/** The budget of all objects together: thousands of invalid objects must not fill etcd. */
const ALL_OBJECTS = { burst: 300, intervalMs: 1_000 };
const ANSWER_WITHIN_MS = 10_000;

interface WrittenKubeEvent {
  readonly namespace: string;
  readonly name: string;
  readonly at: number;
  count: number;
}

/**
 * Writes Kubernetes Events in the background, one after the other. A report that cannot be written is dropped, because
 * the log has the same information.
 */
export function createKubernetesReporter(options: KubernetesReporterOptions): Reporter {
  const { api, reference, logger, now = Date.now } = options;
  const steady = options.now ?? steadyNow;
  const instance = options.instance ?? (process.env.POD_NAME || hostname());
  const waiting: Report[] = [];
  const written = new LRUCache<string, WrittenKubeEvent>({ max: MAX_REMEMBERED });
  const perObject = createBudget(PER_OBJECT, steady);
  const allObjects = createTokenBucket(ALL_OBJECTS, steady);
  const closing = new AbortController();
  let writing = false;
  let failing = false;

  const write = async (report: Report): Promise<void> => {
    const involved = reference(report.about);
    if (!involved) return;
    if (!perObject.spend(involved.uid) || !allObjects.tryTake()) return;
    const key = `${involved.uid}/${report.reason}/${report.message}`;
    const at = new Date(now());
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    const before = written.get(key);
    if (before && steady() - before.at < REMEMBERED_MS) {
      const answer = await api.request({
        method: 'PATCH',
        path: `/api/v1/namespaces/${before.namespace}/events/${before.name}`,
        contentType: 'application/merge-patch+json',
        body: repetition(before.count + 1, at),
        signal,
      });
      if (answer.status === 200) {
        before.count++;
        return;
      }
      if (answer.status !== 404) throw new Error(describeAnswer(answer));
    }
    const answer = await api.request({
      method: 'POST',
      path: `/api/v1/namespaces/${involved.namespace}/events`,
      body: toKubeEvent(report, involved, { at, instance }),
      signal,
    });
    if (answer.status !== 201) throw new Error(describeAnswer(answer));
    const { metadata } = answer.body as { metadata: { namespace: string; name: string } };
    written.set(key, { namespace: metadata.namespace, name: metadata.name, at: steady(), count: 1 });
  };

  const drain = async () => {
    writing = true;
    for (let report = waiting.shift(); report; report = waiting.shift()) {
      try {
        await write(report);
        failing = false;
      } catch (error) {
        if (closing.signal.aborted) break;
        const about = `${report.about.kind} ${nameOf(report.about)}`;
        if (!failing) logger.error({ about, error: describeNoAnswer(error) }, 'Kubernetes Event not written');
        failing = true;
      }
    }
    writing = false;
  };

  return {
    report(report) {
      if (closing.signal.aborted || waiting.length >= MAX_WAITING) return;
      waiting.push(report);
      if (!writing) void drain();
    },
    close() {
      closing.abort();
      waiting.length = 0;
    },
  };
}
