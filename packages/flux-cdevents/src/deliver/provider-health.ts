import type { DeliveryOutcome } from '../transport/transport.ts';
import { MAX_DELAY_MS, probeDelayMs, slowDelayMs } from './retry-delay.ts';

/**
 * The health of a Provider as a whole. In addition, each entry has a backoff of its own.
 *
 *                            ┌──────── success ────────┐
 *                            ▼                         │
 *     healthy ──failure──► failing ──nothing gets ──► down ──┐ every 1 to 5 s: one entry as a probe
 *        ▲                   │        through          ▲ └───┘
 *        └── success after ──┘                         │
 *            a quiet time          nothing was left to probe with: failing, and down at the next failure
 *
 * Nothing gets through when so many attempts in a row fail that chance cannot explain it: more than the share of
 * attempts that fail otherwise would cause once in a million, and either three times the number of requests that may be
 * in flight, or at least three over 5 s. As long as something gets through, no failure holds back anything but its
 * own entry, and what succeeds sets the pace: the window of requests in flight grows by one with each success, up to
 * twice the share of attempts that succeed. Half of the requests may thus fail without any effect on the window. After
 * the Provider was down, the window starts with one request more than still hang.
 *
 * Instants come from the engine's monotonic clock, in ms.
 */
export interface ProviderHealth {
  /** True when the Provider was reported as failing, and not as recovered since then. */
  readonly failing: boolean;
  readonly lastFailureAt: number;
  /** How long no attempt may fail until a success counts as a recovery. */
  readonly quietMs: number;
  /** When the Provider was last reported as recovered. */
  readonly recoveredAt: number;
  /** The share of attempts that succeeded, weighted towards the last 32, as it was at the last success. */
  readonly share: number;
  /** Failures in a row since the last success, until the Provider is down. */
  readonly failures: number;
  /** When the first of these failures occurred. */
  readonly failingSince: number;
  /** The maximum number of requests in flight. Infinity: as many as the engine allows. */
  readonly window: number;
  readonly down: boolean;
  /** Probes since the Provider is down. */
  readonly probes: number;
  /**
   * When to send one entry as a probe, due or not. While the Provider is down, nothing else is sent. 0: no probe is
   * needed.
   */
  readonly probeAt: number;
}

/** The shortest quiet time: a receiver that fails now and then under load is not reported each time. */
const MIN_QUIET_MS = 500;
/** The longest quiet time. A longer recovery is the end of a trouble: what fails after it is a new one. */
export const MAX_QUIET_MS = MAX_DELAY_MS;
/** By how much the quiet time grows when the Provider fails again soon after a recovery. */
const QUIET_GROWTH = 4;

export const healthy: ProviderHealth = {
  failing: false,
  lastFailureAt: Number.NEGATIVE_INFINITY,
  quietMs: MIN_QUIET_MS,
  recoveredAt: Number.NEGATIVE_INFINITY,
  share: 1,
  failures: 0,
  failingSince: 0,
  window: Number.POSITIVE_INFINITY,
  down: false,
  probes: 0,
  probeAt: 0,
};

/** The weight of one attempt in the share. */
const ATTEMPT_WEIGHT = 1 / 32;
/** What happens less often than this is not chance. */
const NEGLIGIBLE = 1e-6;
/** Fewer failures in a row than this say nothing about the Provider. */
const MIN_FAILURES = 3;
/** So many failures in a row, as a multiple of the requests that may be in flight, show that nothing gets through. */
const FAILURES_PER_PLACE = 3;
/** When a Provider that may be down is probed, from the first failure on. */
export const SUSPECT_MS = 5_000;

/** What the outcome of an attempt means for its Provider. */
export interface Assessment {
  readonly health: ProviderHealth;
  /** The change to report. Present once for each change, not for each attempt. */
  readonly change?: 'failing' | 'recovered' | 'stopped';
  /** True: something got through again after the Provider was down, so what waits becomes due now. */
  readonly wake: boolean;
}

interface Context {
  /** By the monotonic clock, in ms. */
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
  /** The maximum number of requests in flight for one Provider. */
  readonly concurrent: number;
  /** Requests in flight, including the one that ended. */
  readonly inFlight: number;
}

/** The health of a Provider after an attempt, and what the engine must do about it. */
export function assess(before: ProviderHealth, outcome: DeliveryOutcome, context: Context): Assessment {
  switch (outcome.status) {
    case 'delivered': {
      const health = afterSuccess(before, context);
      return { health, wake: before.down, ...(before.failing && !health.failing && { change: 'recovered' }) };
    }
    case 'rejected': {
      // waiting would not help, so it counts neither as a success nor as a failure
      const change = outcome.stop ? 'stopped' : 'failing';
      return { health: failingAt(before, context.now), wake: false, ...changeTo(change, before) };
    }
    case 'retryable':
      return { health: afterFailure(before, outcome, context), wake: false, ...changeTo('failing', before) };
  }
}

const changeTo = (change: 'failing' | 'stopped', before: ProviderHealth): Pick<Assessment, 'change'> =>
  change === 'failing' && before.failing ? {} : { change };

function afterSuccess(before: ProviderHealth, { now, concurrent, inFlight }: Context): ProviderHealth {
  const failing = before.failing && now - before.lastFailureAt < before.quietMs;
  const share = recentShare(before) * (1 - ATTEMPT_WEIGHT) + ATTEMPT_WEIGHT;
  return {
    ...before,
    failing,
    recoveredAt: before.failing && !failing ? now : before.recoveredAt,
    share,
    failures: 0,
    // requests that hang since the Provider was down must not take the only place
    window: before.down ? inFlight : Math.min(before.window + 1, windowAt(share, concurrent)),
    down: false,
    probes: 0,
    probeAt: 0,
  };
}

function afterFailure(
  before: ProviderHealth,
  { slow = false }: Extract<DeliveryOutcome, { status: 'retryable' }>,
  { now, random, concurrent }: Context,
): ProviderHealth {
  const failed = failingAt(before, now);
  if (before.down) return slow ? { ...failed, probeAt: Math.max(before.probeAt, now + slowDelayMs(random)) } : failed;
  const failures = before.failures + 1;
  const failingSince = before.failures === 0 ? now : before.failingSince;
  const window = Math.min(before.window, windowAt(recentShare({ ...before, failures }), concurrent));
  const next = { ...failed, failures, failingSince, window };
  if (failures < Math.max(MIN_FAILURES, failuresByChance(before))) return { ...next, probeAt: 0 };
  // with one event that is answered 403, a rest of minutes would hold back those that come later
  if (failures < FAILURES_PER_PLACE * concurrent && (slow || now - failingSince < SUSPECT_MS)) {
    return { ...next, probeAt: slow ? 0 : failingSince + SUSPECT_MS };
  }
  return { ...next, down: true, probes: 0, probeAt: now + (slow ? slowDelayMs(random) : probeDelayMs(1, random)) };
}

/** The first failure after a recovery begins a new trouble, or shows that the last one is not over. */
function failingAt(before: ProviderHealth, now: number): ProviderHealth {
  if (before.failing) return { ...before, lastFailureAt: now };
  const again = now - before.recoveredAt < MAX_QUIET_MS;
  const quietMs = again ? Math.min(before.quietMs * QUIET_GROWTH, MAX_QUIET_MS) : MIN_QUIET_MS;
  return { ...before, failing: true, lastFailureAt: now, quietMs };
}

/** The share of attempts that succeed, with the failures since the last success. */
const recentShare = ({ share, failures }: Pick<ProviderHealth, 'share' | 'failures'>): number =>
  share * (1 - ATTEMPT_WEIGHT) ** failures;

const windowAt = (share: number, concurrent: number): number =>
  Math.max(1, Math.min(concurrent, Math.ceil(2 * share * concurrent)));

/**
 * How many failures in a row the share of failing attempts explains. They say nothing about the entry whose attempts
 * they are, nor about whether the Provider is down.
 */
export const failuresByChance = ({ share }: Pick<ProviderHealth, 'share'>): number =>
  Math.floor(Math.log(NEGLIGIBLE) / Math.log(Math.max(1 - share, 0)));

/** The number of requests that may be in flight. Probes are sent by their time instead, while the Provider is down. */
export const placesOf = ({ window, down }: ProviderHealth, concurrent: number): number =>
  down ? concurrent : Math.min(window, concurrent);

/** The health of a Provider that is probed now, whatever the outcome: nothing else is sent until it succeeds. */
export const afterProbe = (before: ProviderHealth, now: number, random: number): ProviderHealth => {
  const probes = before.probes + 1;
  return { ...before, down: true, probes, probeAt: now + probeDelayMs(probes + 1, random) };
};

/** The health of a Provider for which no entry waits that could be a probe. The next failure is enough to be down. */
export const withoutEntries = (before: ProviderHealth): ProviderHealth => ({
  ...before,
  window: 1,
  down: false,
  probes: 0,
  probeAt: 0,
});

/** The health of a Provider that was changed. It may have another receiver now, so it is tried at once. */
export const afterChange = ({ failing, lastFailureAt, quietMs, recoveredAt }: ProviderHealth): ProviderHealth => ({
  ...healthy,
  failing,
  lastFailureAt,
  quietMs,
  recoveredAt,
});
