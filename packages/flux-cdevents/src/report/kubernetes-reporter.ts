import { hostname } from 'node:os';
import { nameOf } from '../flux/object-ref.ts';
import { describeAnswer, describeNoAnswer, type KubeClient } from '../kube-api/kube-client.ts';
import type { Logger } from '../observe/log.ts';
import { createBudget } from './budget.ts';
import { type InvolvedReference, repetition, toKubeEvent } from './kube-event.ts';
import type { Report, ReportedObject, Reporter } from './reporter.ts';

export interface KubernetesReporterOptions {
  readonly api: Pick<KubeClient, 'request'>;
  /** Undefined for an object that is not there: then nobody can be told. */
  readonly reference: (object: ReportedObject) => InvolvedReference | undefined;
  readonly logger: Logger;
  /** The name of this Pod. @default POD_NAME, else the host's name */
  readonly instance?: string;
  /** Epoch ms. @default Date.now */
  readonly now?: () => number;
}

/** What waits to be written; more than that is dropped. */
const MAX_WAITING = 1_000;
/** Events that are remembered, so that a repetition is counted in the one that is there: as in client-go. */
const MAX_KNOWN = 4_096;
/** API servers keep Events for an hour. */
const KNOWN_MS = 55 * 60 * 1000;
/** For one object: as in client-go. */
const PER_OBJECT = { burst: 25, intervalMs: 5 * 60 * 1000 };
/** For all objects: a configuration of thousands that is wrong must not fill etcd. */
const ALTOGETHER = { burst: 300, intervalMs: 1_000 };
const ANSWER_WITHIN_MS = 10_000;

interface Known {
  readonly namespace: string;
  readonly name: string;
  readonly at: number;
  count: number;
}

/**
 * Writes Kubernetes Events, one after the other, beside the work: what cannot be written now is dropped. The log has
 * said it before.
 */
export function createKubernetesReporter(options: KubernetesReporterOptions): Reporter {
  const { api, reference, logger, now = Date.now } = options;
  const instance = options.instance ?? (process.env.POD_NAME || hostname());
  const waiting: Report[] = [];
  const known = new Map<string, Known>();
  const perObject = createBudget(PER_OBJECT, now);
  const altogether = createBudget(ALTOGETHER, now);
  const closing = new AbortController();
  let writing = false;
  let failing = false;

  const remember = (key: string, event: Known) => {
    known.delete(key);
    known.set(key, event);
    for (const oldest of known.keys()) {
      if (known.size <= MAX_KNOWN) break;
      known.delete(oldest);
    }
  };

  const write = async (report: Report): Promise<void> => {
    const involved = reference(report.about);
    if (!involved) return;
    if (!perObject.spend(involved.uid) || !altogether.spend('')) return;
    const key = `${involved.uid}/${report.reason}/${report.message}`;
    const at = new Date(now());
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    const before = known.get(key);
    if (before && now() - before.at < KNOWN_MS) {
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
    remember(key, { namespace: metadata.namespace, name: metadata.name, at: now(), count: 1 });
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
