import { messageOf } from '../errors.ts';
import { type ClaimedEntry, FORWARD_TYPE } from '../outbox/entry.ts';
import type { ReadyProvider } from '../provider/provider.ts';
import type { DeliveryOutcome, OutgoingMessage, Transport } from '../transport/transport.ts';
import { isDown } from './health.ts';
import { type Job, type Lane, RAW_TYPE, takeNext } from './lane.ts';
import type { Lanes } from './lanes.ts';

export interface SenderDeps {
  readonly lanes: Lanes;
  readonly transports: { forProvider(provider: ReadyProvider): Transport };
  readonly map: (entry: ClaimedEntry) => Promise<void>;
  readonly now: () => number;
  /** Requests in flight for one Provider. */
  readonly concurrent: number;
  /** Aborts what is in flight. */
  readonly signal: AbortSignal;
  /** False: nothing more is sent. */
  readonly isOpen: () => boolean;
  readonly release: (lane: Lane, job: Job) => void;
  readonly attempted: (lane: Lane, provider: ReadyProvider, attempt: Attempt) => void;
  /** An entry was mapped and is another one now, or could not be mapped. */
  readonly mapped: (lane: Lane, job: Job, thrown?: { readonly error: unknown }) => void;
  /** The end of a request or a mapping. */
  readonly ended: () => void;
}

/** A request that ended. */
export interface Attempt {
  readonly entries: readonly ClaimedEntry[];
  readonly outcome: DeliveryOutcome;
  readonly durationMs: number;
  /** A batch that was rejected as a whole: its entries go out again one by one, so nothing is settled. */
  readonly split: boolean;
}

/** An attempt begins only while its lease outlasts it by so much. */
const SETTLE_MARGIN_MS = 5_000;

/**
 * Sends what is in the queue of a lane, as far as the free places in flight allow; one probe at a time while the
 * Provider is down.
 */
export function createSender(deps: SenderDeps): { readonly fill: (lane: Lane) => void } {
  const { lanes, now } = deps;

  const fill = (lane: Lane) => {
    const { provider } = lane;
    if (provider === undefined || !deps.isOpen() || lane.health.pausedUntil > now()) {
      for (const job of lane.queue.splice(0)) deps.release(lane, job);
      return;
    }
    const places = isDown(lane.health) ? 1 : deps.concurrent;
    while (lane.sending < places && lane.queue.length > 0) {
      const jobs = takeNext(lane);
      const [first] = jobs;
      if (!first) return;
      if (now() + provider.endpoint.timeoutMs + SETTLE_MARGIN_MS > first.leaseEndsAt) {
        for (const job of jobs) deps.release(lane, job);
      } else if (first.entry.message === undefined) map(lane, first);
      else send(lane, provider, jobs);
    }
  };

  const end = (lane: Lane) => {
    lanes.send(lane, -1);
    fill(lane);
    deps.ended();
  };

  const send = (lane: Lane, provider: ReadyProvider, jobs: readonly Job[]) => {
    lanes.send(lane, 1);
    const startedAt = performance.now();
    const ended = (outcome: DeliveryOutcome) => {
      finish(lane, provider, jobs, outcome, performance.now() - startedAt);
      end(lane);
    };
    // neither is meant to throw; should one do so, nothing must be lost over it
    const failed = (thrown: unknown) =>
      ended({ status: 'retryable', code: 'error', error: messageOf(thrown), slow: true });
    try {
      deps.transports.forProvider(provider).send(jobs.map(toMessage), deps.signal).then(ended, failed);
    } catch (thrown) {
      queueMicrotask(() => failed(thrown));
    }
  };

  const finish = (
    lane: Lane,
    provider: ReadyProvider,
    jobs: readonly Job[],
    outcome: DeliveryOutcome,
    durationMs: number,
  ) => {
    if (deps.signal.aborted && outcome.status === 'retryable') {
      for (const job of jobs) deps.release(lane, job);
      return;
    }
    // one of them may be at fault; the others shall not suffer for it
    const split = jobs.length > 1 && outcome.status === 'rejected' && !outcome.stop && outcome.code.startsWith('4');
    if (split) {
      for (const job of jobs) job.single = true;
      lane.queue.unshift(...jobs);
    }
    deps.attempted(lane, provider, { entries: jobs.map(({ entry }) => entry), outcome, durationMs, split });
  };

  const map = (lane: Lane, job: Job) => {
    lanes.send(lane, 1);
    deps.map(job.entry).then(
      () => {
        deps.mapped(lane, job);
        end(lane);
      },
      (error: unknown) => {
        deps.mapped(lane, job, { error });
        end(lane);
      },
    );
  };

  return { fill };
}

const kinds: ReadonlyMap<string, OutgoingMessage['kind']> = new Map([
  [RAW_TYPE, 'flux'],
  [FORWARD_TYPE, 'body'],
]);

const toMessage = ({ entry: { type, message = '', partitionKey } }: Job): OutgoingMessage => ({
  kind: kinds.get(type) ?? 'cdevent',
  body: message,
  ...(partitionKey !== undefined && { partitionKey }),
});
