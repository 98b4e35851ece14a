import { type Alert, type EventSource, hasMatchLabels } from '../flux/alert.ts';
import type { FluxEvent } from '../flux/event.ts';
import { type MatchResult, matched, type NoMatchReason, noMatch } from './match-result.ts';

type Labels = Readonly<Record<string, string>>;

/** The reasons, ordered by how close a source came to selecting the event. The closest source gives the reason. */
const closeness: readonly NoMatchReason[] = ['eventSources', 'eventSeverity', 'matchLabels', 'labels unknown'];

/**
 * Whether one of the `eventSources` selects the event. Like the notification-controller, it does not compare the API
 * group.
 */
export function matchSources(event: FluxEvent, alert: Alert, labels: Labels | undefined): MatchResult {
  let closest: NoMatchReason = 'eventSources';
  for (const source of alert.spec.eventSources) {
    const result = matchSource(event, alert, source, labels);
    if (result.matched) return result;
    if (closeness.indexOf(result.reason) > closeness.indexOf(closest)) closest = result.reason;
  }
  return noMatch(closest);
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
