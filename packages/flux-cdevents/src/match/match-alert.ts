import type { Alert } from '../flux/alert.ts';
import type { FluxEvent } from '../flux/event.ts';
import { goRegexp } from '../lib/go-regexp.ts';
import { type MatchResult, matched, noMatch } from './match-result.ts';
import { matchSources } from './match-source.ts';

/** The options of the process that affect matching. */
export interface MatchOptions {
  /** True: an Alert selects only events of its own namespace. @default false */
  readonly noCrossNamespaceRefs?: boolean;
}

/**
 * Whether an Alert selects an event. The checks and their order are those of the notification-controller.
 * @param labels of the involved object; undefined when they are unknown
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

/** Whether `inclusionList` and `exclusionList` of an Alert let the message of an event through. */
export function matchMessage({ message }: FluxEvent, { spec }: Alert): MatchResult {
  const { inclusionList = [], exclusionList = [] } = spec;
  if (inclusionList.length > 0 && !matchesAny(message, inclusionList)) return noMatch('inclusionList');
  return matchesAny(message, exclusionList) ? noMatch('exclusionList') : matched;
}

/**
 * Whether one of the expressions matches anywhere in the message. As in the notification-controller, an expression
 * that Go cannot compile matches nothing; the configuration reports it.
 */
const matchesAny = (message: string, expressions: readonly string[]): boolean =>
  expressions.some((expression) => {
    const regexp = goRegexp(expression);
    return typeof regexp !== 'string' && regexp.test(message);
  });
