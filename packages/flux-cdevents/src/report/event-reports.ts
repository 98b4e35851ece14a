import { LRUCache } from 'lru-cache';
import { type Alert, hasMatchLabels } from '../flux/alert.ts';
import { type InvolvedObject, type NamespacedName, nameOf } from '../flux/object-ref.ts';
import { steadyNow } from '../lib/steady-now.ts';
import { providerText } from './config-reports.ts';
import type { Report, ReportedObject, Reporter } from './reporter.ts';

export interface EventReportsDeps {
  readonly reporter: Reporter;
  /** Whether the object exists. */
  readonly exists: (object: ReportedObject) => boolean;
  /** The Alerts in force. */
  readonly alerts: () => readonly Alert[];
  /** Epoch ms. @default steadyNow */
  readonly now?: () => number;
}

/** Reports failures on the Alerts that selected the events: once for each change of state, not for each event. */
export interface EventReports {
  /** A Provider no longer delivers. `stopped`: it delivers nothing until it is changed. */
  failing(
    provider: NamespacedName,
    alert: NamespacedName,
    state: 'failing' | 'stopped',
    error: string | undefined,
  ): void;
  /** An event cannot be delivered, because it cannot be mapped to a valid CDEvent. */
  deadLetter(provider: NamespacedName, alert: NamespacedName, error: string): void;
  /** The labels of an object cannot be read. */
  labelsUnreadable(object: InvolvedObject, error: string): void;
  /** Metadata keys have several sources; the last source of each key wins. */
  metadataConflict(
    alert: NamespacedName,
    conflicts: readonly { readonly key: string; readonly sources: readonly string[] }[],
  ): void;
}

/** The same report is not repeated within this time. */
const REPEAT_AFTER_MS = 60 * 60 * 1000;
const MAX_REMEMBERED = 4_096;
/** The maximum number of Alerts to report on for one object. */
const MAX_ALERTS = 20;

export function createEventReports({ reporter, exists, alerts, now = steadyNow }: EventReportsDeps): EventReports {
  const reportedAt = new LRUCache<string, number>({ max: MAX_REMEMBERED });
  const once = (report: Report) => {
    const key = `${report.about.kind} ${nameOf(report.about)} ${report.reason} ${report.message}`;
    const before = reportedAt.get(key);
    if (before !== undefined && now() - before < REPEAT_AFTER_MS) return;
    reportedAt.set(key, now());
    reporter.report(report);
  };
  /** The Alert that selected the event. For an event from a webhook, which no Alert selected: the Provider. */
  const about = (provider: NamespacedName, alert: NamespacedName): ReportedObject => {
    const selected: ReportedObject = { kind: 'Alert', namespace: alert.namespace, name: alert.name };
    return exists(selected) ? selected : { kind: 'Provider', namespace: provider.namespace, name: provider.name };
  };

  return {
    failing(provider, alert, state, error = 'no reason given') {
      const what = state === 'stopped' ? 'is stopped until it is changed' : 'does not deliver';
      reporter.report({
        about: about(provider, alert),
        reason: 'NotificationDispatchFailed',
        message: `${providerText(provider)} ${what}: ${error}`,
      });
    },
    deadLetter(provider, alert, error) {
      const message = `an event for ${providerText(provider)} became a dead letter: ${error}`;
      once({ about: about(provider, alert), reason: 'NotificationDispatchFailed', message });
    },
    labelsUnreadable(object, error) {
      const message = `labels of ${object.kind} ${nameOf(object)} cannot be read: ${error}`;
      const selecting = alerts().filter((alert) => selectsByLabel(alert, object));
      for (const { metadata } of selecting.slice(0, MAX_ALERTS)) {
        const { namespace, name } = metadata;
        reporter.report({ about: { kind: 'Alert', namespace, name }, reason: 'SourceFetchFailed', message });
      }
    },
    metadataConflict({ namespace, name }, conflicts) {
      const keys = conflicts.map(({ key, sources }) => `${key} (${sources.join(', ')})`).join('; ');
      const message = `metadata keys with more than one source, the last of which wins: ${keys}`;
      once({ about: { kind: 'Alert', namespace, name }, reason: 'MetadataAppendFailed', message });
    },
  };
}

const selectsByLabel = ({ metadata, spec }: Alert, { kind, namespace, name }: InvolvedObject): boolean =>
  spec.eventSources.some(
    (source) =>
      source.kind === kind &&
      (source.namespace ?? metadata.namespace) === namespace &&
      (source.name === '*' || source.name === name) &&
      hasMatchLabels(source),
  );
