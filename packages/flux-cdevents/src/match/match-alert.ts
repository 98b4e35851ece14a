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
 * Whether expressions match the message of an event, as far as that was found out elsewhere; undefined when it took too long.
 * Expressions that are missing are matched on the spot.
 */
export type Verdicts = ReadonlyMap<string, boolean | undefined>;

/**
 * Whether an Alert selects an event. The checks and their order are those of the notification-controller.
 * @param labels of the involved object; undefined when they are unknown
 */
export function matchAlert(
  event: FluxEvent,
  alert: Alert,
  labels: Readonly<Record<string, string>> | undefined,
  { noCrossNamespaceRefs = false }: MatchOptions = {},
  verdicts?: Verdicts,
): MatchResult {
  if (alert.spec.suspend) return noMatch('suspended');
  const source = matchSources(event, alert, labels);
  if (!source.matched) return source;
  const message = matchMessage(event, alert, verdicts);
  if (!message.matched) return message;
  const crosses = alert.metadata.namespace !== event.involvedObject.namespace;
  return noCrossNamespaceRefs && crosses ? noMatch('cross-namespace') : matched;
}

/**
 * Whether `inclusionList` and `exclusionList` of an Alert let the message of an event through. A list with an expression that
 * took too long lets it through, so that no event is lost.
 */
export function matchMessage({ message }: FluxEvent, { spec }: Alert, verdicts?: Verdicts): MatchResult {
  const { inclusionList = [], exclusionList = [] } = spec;
  const isFound = (undecided: boolean) => (expression: string) =>
    verdicts?.has(expression) ? (verdicts.get(expression) ?? undecided) : isFoundIn(message, expression);
  if (inclusionList.length > 0 && !inclusionList.some(isFound(true))) return noMatch('inclusionList');
  return exclusionList.some(isFound(false)) ? noMatch('exclusionList') : matched;
}

/**
 * Whether an expression matches anywhere in the message. As in the notification-controller, an expression that Go cannot
 * compile matches nothing; the configuration reports it.
 */
export function isFoundIn(message: string, expression: string): boolean {
  const regexp = goRegexp(expression);
  return typeof regexp !== 'string' && regexp.test(message);
}
