import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import { healthy } from './health.ts';
import { createLane, type Lane } from './lane.ts';
import type { Roster } from './roster.ts';

/** The lanes of all Providers that have something at work, and what they hold together. */
export interface Lanes {
  /** Makes one when there is none. */
  of(provider: NamespacedName): Lane;
  all(): Iterable<Lane>;
  /** Entries under lease. */
  readonly held: number;
  hold(lane: Lane, count: number): void;
  /** Requests in flight, and entries being mapped. */
  readonly sending: number;
  send(lane: Lane, count: 1 | -1): void;
  /** Its `pausedUntil` was changed. */
  restChanged(lane: Lane): void;
  /** Epoch ms at which the first pause ends; infinity when nothing rests. */
  nextPauseEnd(): number;
  /** Providers for which nothing shall be claimed. */
  except(at: number): ReadonlySet<string>;
  /** Brings the lanes in line with the roster. @returns those that get nothing any more */
  follow(): readonly Lane[];
}

/** @param capacity entries that one lane may hold */
export function createLanes(roster: Roster, capacity: number): Lanes {
  const lanes = new Map<string, Lane>();
  const resting = new Set<Lane>();
  const full = new Set<Lane>();
  let held = 0;
  let sending = 0;

  /** Another receiver may be behind the name now: whether it answers is found out at once. */
  const forgetRest = (lane: Lane) => {
    const { failing, lastFailureAt } = lane.health;
    lane.health = { ...healthy, failing, lastFailureAt };
    resting.delete(lane);
  };

  return {
    of(provider) {
      const name = nameOf(provider);
      let lane = lanes.get(name);
      if (!lane) {
        lane = createLane(name, provider, roster.usable(name));
        lanes.set(name, lane);
      }
      return lane;
    },
    all: () => lanes.values(),
    get held() {
      return held;
    },
    hold(lane, count) {
      held += count;
      lane.held += count;
      if (lane.held >= capacity) full.add(lane);
      else full.delete(lane);
    },
    get sending() {
      return sending;
    },
    send(lane, count) {
      sending += count;
      lane.sending += count;
    },
    restChanged(lane) {
      if (lane.health.pausedUntil > 0) resting.add(lane);
      else resting.delete(lane);
    },
    nextPauseEnd() {
      let end = Number.POSITIVE_INFINITY;
      for (const { health } of resting) end = Math.min(end, health.pausedUntil);
      return end;
    },
    except(at) {
      for (const lane of resting) if (lane.health.pausedUntil <= at) resting.delete(lane);
      if (resting.size + full.size + roster.unknown.size === 0) return roster.blocked;
      const names = new Set(roster.blocked);
      for (const lane of resting) names.add(lane.name);
      for (const lane of full) names.add(lane.name);
      for (const name of roster.unknown) names.add(name);
      return names;
    },
    follow() {
      const idle: Lane[] = [];
      for (const lane of lanes.values()) {
        const provider = roster.usable(lane.name);
        if (provider?.fingerprint !== lane.provider?.fingerprint) forgetRest(lane);
        lane.provider = provider;
        if (provider) continue;
        idle.push(lane);
        if (lane.held === 0) lanes.delete(lane.name);
      }
      return idle;
    },
  };
}
