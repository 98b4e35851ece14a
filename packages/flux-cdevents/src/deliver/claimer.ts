import type { ClaimedEntry } from '../outbox/entry.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Lanes } from './lanes.ts';
import type { Roster } from './roster.ts';
import type { StoreWatch } from './store-watch.ts';

export interface ClaimerDeps {
  readonly outbox: Pick<Outbox, 'claim'>;
  readonly lanes: Lanes;
  readonly roster: Roster;
  readonly store: StoreWatch;
  readonly now: () => number;
  /** Entries under lease for all Providers together. */
  readonly limit: number;
  /** And for one. */
  readonly perProvider: number;
  /** False: nothing shall be claimed now. */
  readonly isOpen: () => boolean;
  readonly claimed: (entries: readonly ClaimedEntry[], leaseEndsAt: number) => void;
  /** The end of a claim, whatever came of it. */
  readonly ended: () => void;
}

/** Takes entries out of the outbox when there may be some: it is told, or a timer says so; it never polls. */
export interface Claimer {
  /** @param trial although the store could not be used before */
  claim(trial?: boolean): void;
  readonly busy: boolean;
  /** Ends the timer. */
  close(): void;
}

/** A lease outlasts the longest attempt by so much. */
const LEASE_MARGIN_MS = 30_000;
/** A timer is never set shorter: what is due and was not handed out waits for something else, such as a free place. */
const MIN_TIMER_MS = 20;
const MAX_TIMER_MS = 3_600_000;

export function createClaimer(deps: ClaimerDeps): Claimer {
  const { outbox, lanes, roster, store, now, isOpen } = deps;
  let busy = false;
  let again = false;
  let timer: NodeJS.Timeout | undefined;

  const claim = async (trial: boolean) => {
    again = true;
    if (busy) return;
    busy = true;
    try {
      for (let allowed = trial || !store.broken; again && allowed && isOpen(); allowed = !store.broken) {
        again = false;
        await claimOnce();
      }
    } catch (thrown) {
      store.failed(thrown);
    } finally {
      busy = false;
      deps.ended();
    }
  };

  const claimOnce = async () => {
    const at = now();
    const { limit, perProvider } = shares();
    if (limit <= 0) return;
    const leaseMs = roster.longestTimeoutMs + LEASE_MARGIN_MS;
    const { entries, nextDueAt } = await outbox.claim({ limit, perProvider, leaseMs, except: lanes.except(at), at });
    store.works();
    deps.claimed(entries, at + leaseMs);
    setTimer(Math.min(nextDueAt ?? Number.POSITIVE_INFINITY, lanes.nextPauseEnd()));
    if (entries.length === limit) again = true;
  };

  /**
   * Receivers that hang can hold one half of the places between them. The other is dealt out in equal shares, so that
   * there is a place for every Provider.
   */
  const shares = (): { readonly limit: number; readonly perProvider: number } => {
    const half = Math.ceil(deps.limit / 2);
    if (lanes.held < half) return { limit: half - lanes.held, perProvider: deps.perProvider };
    const share = Math.floor(half / Math.max(1, roster.readyCount));
    return { limit: deps.limit - lanes.held, perProvider: Math.max(1, Math.min(deps.perProvider, share)) };
  };

  const setTimer = (dueAt: number) => {
    clearTimeout(timer);
    if (dueAt === Number.POSITIVE_INFINITY || !isOpen()) return;
    timer = setTimeout(() => void claim(false), Math.min(Math.max(dueAt - now(), MIN_TIMER_MS), MAX_TIMER_MS));
  };

  return {
    claim: (trial = false) => void claim(trial),
    get busy() {
      return busy;
    },
    close: () => clearTimeout(timer),
  };
}
