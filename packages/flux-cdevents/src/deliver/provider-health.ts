import type { DeliveryOutcome } from '../transport/transport.ts';
import { attemptDelayMs, MAX_DELAY_MS, retryDelayMs } from './retry-delay.ts';

/**
 * The health of a Provider as a whole. In addition, each entry has a backoff of its own.
 *
 *     healthy ──failure──► failing ──as many failures in a row as may be in flight──► down
 *        ▲                    │                                                         │
 *        └────── success ─────┴──────────────── success of a probe ─────────────────────┘
 *
 * While a Provider is down, its queue rests. After each rest, one entry is sent as a probe, so that a long queue does
 * not send many requests to a receiver that is down. Instants come from the engine's monotonic clock, in ms.
 */
export interface ProviderHealth {
  /** True when the Provider was reported as failing, and not as recovered since then. */
  readonly failing: boolean;
  /** Failed attempts since the last success. */
  readonly failures: number;
  readonly lastFailureAt: number;
  /** Rests since the last success. */
  readonly rests: number;
  /** When the last rest ends or ended. 0 while the Provider is not down. */
  readonly restsUntil: number;
  /** When the first rest since the last success began. 0 while the Provider is not down. */
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

/** What the outcome of an attempt means for its Provider. */
export interface Assessment {
  readonly health: ProviderHealth;
  /** The change to report. Present once for each change, not for each attempt. */
  readonly change?: 'failing' | 'recovered' | 'stopped';
  /** True: the Provider recovered after it was down for a long time, so its retries become due now. */
  readonly wake: boolean;
}

/** The longest rest, unless the receiver asks for a longer one. A recovered receiver is noticed within this time. */
export const MAX_REST_MS = 30_000;
/**
 * A success this soon after a failure does not count as a recovery. Otherwise a receiver that fails occasionally under
 * load would be reported each time. Every failure is followed by another attempt after more than this time.
 */
const RECOVERY_QUIET_MS = 500;
/** When a Provider recovers after it was down for at least this time, its retries become due at once. */
const WAKE_AFTER_MS = 10_000;

/**
 * The health of a Provider after an attempt, and what the engine must do about it.
 * @param now by the monotonic clock, in ms
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
    const health = { ...before, failing: true, lastFailureAt: now }; // waiting would not help, so it does not rest
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
  // requests in flight when the rest began give no new information
  if (before.restsUntil > now) return failed;
  // `Retry-After` of an overloaded or unavailable receiver applies to all requests, not only to this one
  const askedToWait = outcome.retryAfterMs !== undefined && (outcome.code === '429' || outcome.code === '503');
  if (failed.failures < threshold && !askedToWait) return failed;
  const rests = before.rests + 1;
  const restMs =
    askedToWait || outcome.slow
      ? Math.min(retryDelayMs(outcome, rests, random), MAX_DELAY_MS)
      : Math.min(attemptDelayMs(rests, random), MAX_REST_MS);
  return { ...failed, rests, restsUntil: now + restMs, downSince: isDown(before) ? before.downSince : now };
}

/** The health of a Provider that was changed. It may have another receiver now, so it is tried at once. */
export const afterChange = ({ failing, lastFailureAt }: ProviderHealth): ProviderHealth => ({
  ...healthy,
  failing,
  lastFailureAt,
});
