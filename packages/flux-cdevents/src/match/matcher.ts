import type { Alert } from '../flux/alert.ts';
import type { FluxEvent } from '../flux/event.ts';
import { nameOf } from '../flux/object-ref.ts';
import { type MatchOptions, matchAlert, matchMessage } from './match-alert.ts';
import { hasMatchLabels } from './match-source.ts';

/** Finds the Alerts that select an event, at a cost that does not grow with those that cannot. */
export interface Matcher {
  /**
   * The Alerts that select the event, ordered by namespace and name.
   * @param labels of the involved object; undefined when they are not known, and then `matchLabels` selects nothing
   */
  match(event: FluxEvent, labels: Readonly<Record<string, string>> | undefined): readonly Alert[];
  /** Whether the answer of `match` depends on the labels, so that they are only read where they count. */
  needsLabels(event: FluxEvent): boolean;
}

/** An Alert and its place in the order of the answer. */
interface Candidate {
  readonly alert: Alert;
  readonly place: number;
  readonly labelled: boolean;
}

/** The Alerts that name objects of one kind in one namespace: those with `*`, and those with a name. */
interface Bucket {
  readonly any: Candidate[];
  readonly byName: Map<string, Candidate[]>;
}

const none: readonly Candidate[] = [];

/** An index over Alerts by kind, namespace and name; `matchAlert` decides about what it finds. */
export function createMatcher(alerts: readonly Alert[], options: MatchOptions = {}): Matcher {
  const buckets = indexAlerts(alerts, options);

  const candidates = ({ involvedObject: { kind, namespace, name } }: FluxEvent): readonly Candidate[] => {
    const bucket = buckets.get(keyOf(kind, namespace));
    if (!bucket) return none;
    const named = bucket.byName.get(name) ?? none;
    if (named.length === 0) return bucket.any;
    return bucket.any.length === 0 ? named : merge(bucket.any, named);
  };

  return {
    match(event, labels) {
      const selected: Alert[] = [];
      for (const { alert } of candidates(event)) {
        if (matchAlert(event, alert, labels, options).matched) selected.push(alert);
      }
      return selected;
    },
    needsLabels(event) {
      return candidates(event).some(({ alert, labelled }) => {
        if (!labelled) return false;
        const result = matchAlert(event, alert, undefined, options);
        return !result.matched && result.reason === 'labels unknown' && matchMessage(event, alert).matched;
      });
    },
  };
}

function indexAlerts(alerts: readonly Alert[], { noCrossNamespaceRefs }: MatchOptions): ReadonlyMap<string, Bucket> {
  const buckets = new Map<string, Bucket>();
  for (const [place, alert] of inOrder(alerts).entries()) {
    if (alert.spec.suspend) continue;
    const candidate = { alert, place, labelled: alert.spec.eventSources.some(hasMatchLabels) };
    for (const source of alert.spec.eventSources) {
      const namespace = source.namespace ?? alert.metadata.namespace;
      if (noCrossNamespaceRefs && namespace !== alert.metadata.namespace) continue;
      const key = keyOf(source.kind, namespace);
      const bucket = buckets.get(key) ?? { any: [], byName: new Map() };
      buckets.set(key, bucket);
      const list = source.name === '*' ? bucket.any : (bucket.byName.get(source.name) ?? []);
      if (source.name !== '*') bucket.byName.set(source.name, list);
      if (list.at(-1) !== candidate) list.push(candidate); // an Alert may name one object twice
    }
  }
  return buckets;
}

const keyOf = (kind: string, namespace: string): string => `${kind}/${namespace}`;

/** By namespace and name, in the order of code units, so that it is the same on every machine. */
function inOrder(alerts: readonly Alert[]): Alert[] {
  const named = alerts.map((alert) => ({ alert, name: nameOf(alert.metadata) }));
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return named.map(({ alert }) => alert);
}

/** Two lists in order make one, an Alert that is in both once. */
function merge(left: readonly Candidate[], right: readonly Candidate[]): readonly Candidate[] {
  const merged: Candidate[] = [];
  let l = 0;
  let r = 0;
  for (;;) {
    const a = left[l];
    const b = right[r];
    if (!a && !b) return merged;
    const next = !b || (a && a.place <= b.place) ? a : b;
    if (!next) return merged;
    merged.push(next);
    if (a === next) l++;
    if (b === next) r++;
  }
}
