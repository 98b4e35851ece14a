import type { DeliveryOutcome } from '../transport/transport.ts';
import { attemptDelayMs, MAX_DELAY_MS, retryDelayMs } from './backoff.ts';

/**
 * How well a Provider delivers. Each entry has its own back-off; this is about the Provider as a whole:
 *
 *     healthy ──failure──► failing ──as many failures in a row as may be in flight──► down
 *        ▲                    │                                                         │
 *        └────── success ─────┴──────────────── success of a probe ─────────────────────┘
 *
 * While a Provider is down its queue rests. After each rest one entry goes out as a probe, so that a queue of a million
 * entries does not run against a closed door. Instants are those of the engine's monotonic clock, in ms.
 */
export interface ProviderHealth {
  /** Reported as failing, and not as recovered since. */
  readonly failing: boolean;
  /** Failed attempts since the last success. */
  readonly failures: number;
  readonly lastFailureAt: number;
  /** Rests since the last success. */
  readonly rests: number;
  /** When the last rest ends or ended; 0 while the Provider is not down. */
  readonly restsUntil: number;
  /** When the first rest since the last success began; 0 while the Provider is not down. */
  readonly downSince: number;
}

export const healthy: ProviderHealth = {
  failing: false,
  failures: 0,
  lastFailureAt: 0,
  rests: 0,
  restsUntil: 0,
  downSince: 0,
};

export const isDown = ({ restsUntil }: ProviderHealth): boolean => restsUntil > 0;

/** What an attempt says about its Provider. */
export interface Assessment {
  readonly health: ProviderHealth;
  /** What people have to know: once a change, not once an attempt. */
  readonly change?: 'failing' | 'recovered' | 'stopped';
  /** True: the Provider was down for long and is back, so its retries need not wait any longer. */
  readonly wake: boolean;
}

/** The longest rest, unless the receiver asks for more: how soon a receiver that is back is noticed at the latest. */
export const MAX_REST_MS = 30_000;
/**
 * A success so soon after a failure is no recovery: otherwise a receiver that fails now and then under load would be
 * reported each time. Every failure is followed by another attempt later than this.
 */
export const RECOVERY_QUIET_MS = 500;
/** Retries are woken when a Provider comes back after it was down for so long; shorter waits end by themselves. */
export const WAKE_AFTER_MS = 10_000;

/**
 * The health of a Provider after an attempt, and what follows from it.
 * @param now of the monotonic clock, in ms
 * @param random in [0, 1)
 * @param threshold failures in a row after which the Provider is down
 */
export function assess(
  before: ProviderHealth,
  outcome: DeliveryOutcome,
  context: { readonly now: number; readonly random: number; readonly threshold: number },
): Assessment {
  const { now } = context;
  if (outcome.status === 'delivered') {
    const health = afterSuccess(before, now);
    const recovered = before.failing && !health.failing;
    const wake = isDown(before) && now - before.downSince >= WAKE_AFTER_MS;
    return { health, wake, ...(recovered && { change: 'recovered' }) };
  }
  if (outcome.status === 'rejected') {
    const health = { ...before, failing: true, lastFailureAt: now }; // but waiting would not help
    return { health, wake: false, ...changeTo(outcome.stop ? 'stopped' : 'failing', before) };
  }
  return { health: afterFailure(before, outcome, context), wake: false, ...changeTo('failing', before) };
}

const changeTo = (change: 'failing' | 'stopped', before: ProviderHealth): Pick<Assessment, 'change'> =>
  change === 'failing' && before.failing ? {} : { change };

function afterSuccess(before: ProviderHealth, now: number): ProviderHealth {
  if (before.failures === 0 && !before.failing) return before;
  const { failing, lastFailureAt } = before;
  return { ...healthy, failing: failing && now - lastFailureAt < RECOVERY_QUIET_MS, lastFailureAt };
}

function afterFailure(
  before: ProviderHealth,
  outcome: Extract<DeliveryOutcome, { status: 'retryable' }>,
  { now, random, threshold }: { readonly now: number; readonly random: number; readonly threshold: number },
): ProviderHealth {
  const failed = { ...before, failing: true, failures: before.failures + 1, lastFailureAt: now };
  // what was in flight when the rest began says nothing new
  if (before.restsUntil > now) return failed;
  // `Retry-After` of a receiver that is overloaded or closed is meant for everything that we would send
  const askedToWait = outcome.retryAfterMs !== undefined && (outcome.code === '429' || outcome.code === '503');
  if (failed.failures < threshold && !askedToWait) return failed;
  const rests = before.rests + 1;
  const restMs =
    askedToWait || outcome.slow
      ? Math.min(retryDelayMs(outcome, rests, random), MAX_DELAY_MS)
      : Math.min(attemptDelayMs(rests, random), MAX_REST_MS);
  return { ...failed, rests, restsUntil: now + restMs, downSince: isDown(before) ? before.downSince : now };
}

/** The health of a Provider that was changed. Another receiver may be behind it now, which is tried at once. */
export const afterChange = ({ failing, lastFailureAt }: ProviderHealth): ProviderHealth => ({
  ...healthy,
  failing,
  lastFailureAt,
});
