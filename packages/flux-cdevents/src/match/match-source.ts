import type { Alert, EventSource } from '../flux/alert.ts';
import type { FluxEvent } from '../flux/event.ts';
import { type MatchResult, matched, type NoMatchReason, noMatch } from './match-result.ts';

type Labels = Readonly<Record<string, string>>;

/** How near an entry came to the event, for the reason of an Alert with several: the last one is the nearest. */
const nearness: readonly NoMatchReason[] = ['eventSources', 'eventSeverity', 'matchLabels', 'labels unknown'];

/** Whether one of the `eventSources` names the object of the event. The API group is not compared, as upstream. */
export function matchSources(event: FluxEvent, alert: Alert, labels: Labels | undefined): MatchResult {
  let nearest: NoMatchReason = 'eventSources';
  for (const source of alert.spec.eventSources) {
    const result = matchSource(event, alert, source, labels);
    if (result.matched) return result;
    if (nearness.indexOf(result.reason) > nearness.indexOf(nearest)) nearest = result.reason;
  }
  return noMatch(nearest);
}

function matchSource(
  { involvedObject, severity }: FluxEvent,
  { metadata, spec }: Alert,
  source: EventSource,
  labels: Labels | undefined,
): MatchResult {
  if (source.kind !== involvedObject.kind) return noMatch('eventSources');
  if ((source.namespace ?? metadata.namespace) !== involvedObject.namespace) return noMatch('eventSources');
  if (source.name !== '*' && source.name !== involvedObject.name) return noMatch('eventSources');
  const { eventSeverity = 'info' } = spec;
  if (eventSeverity !== 'info' && eventSeverity !== severity) return noMatch('eventSeverity');
  if (!hasMatchLabels(source)) return matched;
  if (labels === undefined) return noMatch('labels unknown');
  return Object.entries(source.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
    ? matched
    : noMatch('matchLabels');
}

/** An empty `matchLabels` asks for nothing. */
export const hasMatchLabels = ({ matchLabels }: EventSource): boolean => Object.keys(matchLabels ?? {}).length > 0;
