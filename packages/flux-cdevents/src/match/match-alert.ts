import type { Alert } from '../flux/alert.ts';
import type { FluxEvent } from '../flux/event.ts';
import { type MatchResult, matched, noMatch } from './match-result.ts';
import { matchSources } from './match-source.ts';
import { includes } from './message-filter.ts';

/** What the process says about matching. */
export interface MatchOptions {
  /** An Alert selects events of its own namespace only. @default false */
  readonly noCrossNamespaceRefs?: boolean;
}

/**
 * Whether an Alert selects an event: the questions of the notification-controller, in its order.
 * @param labels of the involved object; undefined when they are not known
 */
export function matchAlert(
  event: FluxEvent,
  alert: Alert,
  labels: Readonly<Record<string, string>> | undefined,
  { noCrossNamespaceRefs = false }: MatchOptions = {},
): MatchResult {
  const { suspend, inclusionList = [], exclusionList = [] } = alert.spec;
  if (suspend) return noMatch('suspended');
  const source = matchSources(event, alert, labels);
  if (!source.matched) return source;
  if (inclusionList.length > 0 && !includes(event.message, inclusionList)) return noMatch('inclusionList');
  if (includes(event.message, exclusionList)) return noMatch('exclusionList');
  const crosses = alert.metadata.namespace !== event.involvedObject.namespace;
  return noCrossNamespaceRefs && crosses ? noMatch('cross-namespace') : matched;
}
