import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { Logger } from '../observe/log.ts';
import type { ReadyProvider } from '../provider/provider.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';
import { afterFailure, afterRejection, afterSuccess, isDown } from './health.ts';
import type { Lane } from './lane.ts';

/** A Provider's state changed. Told once a change, not once an attempt. */
export interface ProviderChange {
  readonly provider: NamespacedName;
  /** The Alert of the event whose delivery showed it. */
  readonly alert: NamespacedName;
  /** `stopped`: it answered 410, and gets nothing before it is changed. */
  readonly state: 'failing' | 'recovered' | 'stopped';
  /** What the attempt came to; absent for a recovery. No secret in it. */
  readonly error?: string;
}

export interface JudgeDeps {
  readonly logger: Logger;
  readonly random: () => number;
  /** Failures in a row after which a Provider is down. */
  readonly threshold: number;
  readonly report: ((change: ProviderChange) => void) | undefined;
  /** The lane rests from now on, or no longer. */
  readonly restChanged: (lane: Lane) => void;
  /** The receiver is back: what waits for it need wait no longer. */
  readonly back: (lane: Lane) => void;
  readonly stop: (lane: Lane, provider: ReadyProvider, error: string, at: number) => void;
}

/** Waiting retries are woken when a Provider comes back after it was down for so long. */
const WAKE_AFTER_MS = 10_000;

/** Finds out what an outcome says of the Provider as a whole, and makes it known. */
export function createJudge({ logger, random, threshold, report, restChanged, back, stop }: JudgeDeps) {
  return (lane: Lane, provider: ReadyProvider, alert: NamespacedName, outcome: DeliveryOutcome, at: number): void => {
    // the answer to an earlier form of the Provider says nothing of this one
    if (lane.provider?.fingerprint !== provider.fingerprint) return;
    const before = lane.health;
    const change = { provider: lane.ref, alert };

    if (outcome.status === 'delivered') {
      lane.health = afterSuccess(before, at);
      if (isDown(before)) restChanged(lane);
      if (before.failing && !lane.health.failing) {
        logger.info({ provider: lane.name }, 'Provider delivers again');
        report?.({ ...change, state: 'recovered' });
      }
      if (isDown(before) && at - before.downSince >= WAKE_AFTER_MS) back(lane);
      return;
    }

    const { error } = outcome;
    if (outcome.status === 'rejected') {
      lane.health = afterRejection(before, at);
      if (outcome.stop) {
        stop(lane, provider, error, at);
        logger.error(
          { provider: lane.name, alert: nameOf(alert), error },
          'Provider stopped until it is changed: its receiver wants nothing more',
        );
        report?.({ ...change, state: 'stopped', error });
        return;
      }
    } else {
      lane.health = afterFailure(before, outcome, { now: at, random: random(), threshold });
      if (lane.health.pausedUntil !== before.pausedUntil) restChanged(lane);
    }
    if (before.failing) return;
    logger.error({ provider: lane.name, alert: nameOf(alert), error }, 'Provider does not deliver');
    report?.({ ...change, state: 'failing', error });
  };
}
