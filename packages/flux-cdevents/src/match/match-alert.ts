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
  if (alert.spec.suspend) return noMatch('suspended');
  const source = matchSources(event, alert, labels);
  if (!source.matched) return source;
  const message = matchMessage(event, alert);
  if (!message.matched) return message;
  const crosses = alert.metadata.namespace !== event.involvedObject.namespace;
  return noCrossNamespaceRefs && crosses ? noMatch('cross-namespace') : matched;
}

/** Whether the lists of an Alert let the message of an event through. */
export function matchMessage({ message }: FluxEvent, { spec }: Alert): MatchResult {
  const { inclusionList = [], exclusionList = [] } = spec;
  if (inclusionList.length > 0 && !includes(message, inclusionList)) return noMatch('inclusionList');
  return includes(message, exclusionList) ? noMatch('exclusionList') : matched;
}
