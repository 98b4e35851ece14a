import type { DeliveryOutcome } from '../transport/transport.ts';
import { backoffMs, MAX_DELAY_MS } from './backoff.ts';
import { retryDelayMs } from './settle.ts';

/**
 * How it goes with a Provider. Each entry has its own back-off; this is about the Provider as a whole:
 *
 *     healthy ──failure──► failing ──as many failures in a row as may be in flight──► down
 *        ▲                    │                                                         │
 *        └────── success ─────┴──────────────── success of a probe ─────────────────────┘
 *
 * While a Provider is down its queue rests, and after each pause one entry goes out as a probe: a queue of a million
 * entries does not run against a closed door.
 */
export interface Health {
  readonly failing: boolean;
  /** Failed attempts since the last success. */
  readonly failures: number;
  readonly lastFailureAt: number;
  readonly pauses: number;
  /** Epoch ms; 0 when it does not rest. */
  readonly pausedUntil: number;
  /** Epoch ms of the first pause since the last success; 0 without one. */
  readonly downSince: number;
}

export const healthy: Health = {
  failing: false,
  failures: 0,
  lastFailureAt: 0,
  pauses: 0,
  pausedUntil: 0,
  downSince: 0,
};

/** A Provider that is down is probed at least so often, and so found up again. */
export const MAX_PAUSE_MS = 30_000;
/**
 * A success so soon after a failure is no recovery: a receiver that fails now and then under load would be reported at
 * every turn. Each failure is followed by another attempt later than this.
 */
export const RECOVERY_QUIET_MS = 500;

export const isDown = (health: Health): boolean => health.downSince !== 0;

export function afterSuccess(health: Health, now: number): Health {
  if (health.failures === 0 && !health.failing) return health;
  return {
    ...healthy,
    failing: health.failing && now - health.lastFailureAt < RECOVERY_QUIET_MS,
    lastFailureAt: health.lastFailureAt,
  };
}

/** A rejection is a failure to be told of, but not one that waiting would mend. */
export const afterRejection = (health: Health, now: number): Health => ({
  ...health,
  failing: true,
  lastFailureAt: now,
});

/** @param threshold failures in a row after which the Provider is down */
export function afterFailure(
  health: Health,
  outcome: Extract<DeliveryOutcome, { status: 'retryable' }>,
  { now, random, threshold }: { readonly now: number; readonly random: number; readonly threshold: number },
): Health {
  const failed = { ...health, failing: true, failures: health.failures + 1, lastFailureAt: now };
  // what was in flight when the pause began says nothing new
  if (health.pausedUntil > now) return failed;
  // `Retry-After` of a receiver that is overloaded or closed is meant for everything that we would send
  const askedToWait = outcome.retryAfterMs !== undefined && (outcome.code === '429' || outcome.code === '503');
  if (failed.failures < threshold && !askedToWait) return failed;
  const pauses = health.pauses + 1;
  const pauseMs =
    askedToWait || outcome.slow
      ? Math.min(retryDelayMs(outcome, pauses, random), MAX_DELAY_MS)
      : Math.min(backoffMs(pauses, random), MAX_PAUSE_MS);
  return { ...failed, pauses, pausedUntil: now + pauseMs, downSince: health.downSince || now };
}
