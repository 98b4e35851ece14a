import { type Alert, hasMatchLabels } from '../flux/alert.ts';
import type { FluxEvent } from '../flux/event.ts';
import { nameOf } from '../flux/object-ref.ts';
import { goRegexp } from '../lib/go-regexp.ts';
import { type MatchOptions, matchAlert, matchMessage, type Verdicts } from './match-alert.ts';

/** Finds the Alerts that select an event, without looking at Alerts that name other objects. */
export interface Matcher {
  /**
   * The Alerts that select the event, ordered by namespace and name.
   * @param labels of the involved object; undefined when they are unknown: a source with `matchLabels` then selects
   * nothing
   */
  match(event: FluxEvent, labels: Readonly<Record<string, string>> | undefined, verdicts?: Verdicts): readonly Alert[];
  /** Whether the result of `match` depends on the labels, so that they are read only when they matter. */
  needsLabels(event: FluxEvent, verdicts?: Verdicts): boolean;
  /**
   * The expressions that may hold the event loop for long when they are matched with the message of an event, so that they
   * must be matched elsewhere. None for nearly every event.
   */
  longExpressions(event: FluxEvent): readonly string[];
}

/** What matching may cost for one event in this thread, in units of 50 ns. The estimates are high: it takes less than 50 ms. */
const MAX_COST = 1_000_000;

/** An Alert that may select an event. */
interface Candidate {
  readonly alert: Alert;
  /** Its place in the order by namespace and name. */
  readonly rank: number;
  readonly hasLabels: boolean;
  /** The most that its expressions cost for one character of a message. */
  readonly cost: number;
}

/** The Alerts that select objects of one kind in one namespace. */
interface Bucket {
  /** From sources with the name `*`. */
  readonly anyName: Candidate[];
  readonly byName: Map<string, Candidate[]>;
}

const none: readonly Candidate[] = [];

/** Indexes Alerts by kind, namespace and name; `matchAlert` decides on those that the index finds. */
export function createMatcher(alerts: readonly Alert[], options: MatchOptions = {}): Matcher {
  const buckets = indexAlerts(alerts, options);

  const candidates = ({ involvedObject: { kind, namespace, name } }: FluxEvent): readonly Candidate[] => {
    const bucket = buckets.get(keyOf(kind, namespace));
    if (!bucket) return none;
    const named = bucket.byName.get(name) ?? none;
    if (named.length === 0) return bucket.anyName;
    return bucket.anyName.length === 0 ? named : merge(bucket.anyName, named);
  };

  return {
    match(event, labels, verdicts) {
      const selected: Alert[] = [];
      for (const { alert } of candidates(event)) {
        if (matchAlert(event, alert, labels, options, verdicts).matched) selected.push(alert);
      }
      return selected;
    },
    needsLabels(event, verdicts) {
      return candidates(event).some(({ alert, hasLabels }) => {
        if (!hasLabels) return false;
        const result = matchAlert(event, alert, undefined, options);
        if (result.matched || result.reason !== 'labels unknown') return false;
        return matchMessage(event, alert, verdicts).matched;
      });
    },
    longExpressions(event) {
      const found = candidates(event);
      let cost = 0;
      for (const candidate of found) cost += candidate.cost;
      if (cost * event.message.length <= MAX_COST) return [];
      return [...new Set(found.flatMap(({ alert }) => expressionsOf(alert)))];
    },
  };
}

const expressionsOf = ({ spec: { inclusionList = [], exclusionList = [] } }: Alert): readonly string[] => [
  ...inclusionList,
  ...exclusionList,
];

function costOf(alert: Alert): number {
  let cost = 0;
  for (const expression of expressionsOf(alert)) {
    const regexp = goRegexp(expression);
    if (typeof regexp !== 'string') cost += regexp.cost;
  }
  return cost;
}

function indexAlerts(alerts: readonly Alert[], { noCrossNamespaceRefs }: MatchOptions): ReadonlyMap<string, Bucket> {
  const buckets = new Map<string, Bucket>();
  for (const [rank, alert] of sorted(alerts).entries()) {
    if (alert.spec.suspend) continue;
    const hasLabels = alert.spec.eventSources.some(hasMatchLabels);
    const candidate = { alert, rank, hasLabels, cost: costOf(alert) };
    for (const source of alert.spec.eventSources) {
      const namespace = source.namespace ?? alert.metadata.namespace;
      if (noCrossNamespaceRefs && namespace !== alert.metadata.namespace) continue;
      const key = keyOf(source.kind, namespace);
      const bucket = buckets.get(key) ?? { anyName: [], byName: new Map() };
      buckets.set(key, bucket);
      const list = source.name === '*' ? bucket.anyName : (bucket.byName.get(source.name) ?? []);
      if (source.name !== '*') bucket.byName.set(source.name, list);
      if (list.at(-1) !== candidate) list.push(candidate); // an Alert may name an object twice
    }
  }
  return buckets;
}

const keyOf = (kind: string, namespace: string): string => `${kind}/${namespace}`;

/** Sorts by namespace and name, comparing code units, so that the order does not depend on the locale. */
function sorted(alerts: readonly Alert[]): Alert[] {
  const named = alerts.map((alert) => ({ alert, name: nameOf(alert.metadata) }));
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return named.map(({ alert }) => alert);
}

/** Merges two sorted lists into one; an Alert in both appears once. */
function merge(left: readonly Candidate[], right: readonly Candidate[]): readonly Candidate[] {
  const merged: Candidate[] = [];
  let l = 0;
  let r = 0;
  for (;;) {
    const a = left[l];
    const b = right[r];
    if (!a && !b) return merged;
    const next = !b || (a && a.rank <= b.rank) ? a : b;
    if (!next) return merged;
    merged.push(next);
    if (a === next) l++;
    if (b === next) r++;
  }
}
