import { type ConfigIssue, formatIssue } from '../diagnostics/issue.ts';
import { type NamespacedName, nameOf, parseName } from '../flux/object-ref.ts';
import type { Report, ReportedObject, ReportReason } from './reporter.ts';

/** The fields of a configuration problem that a report needs. */
export interface ReportableProblem {
  /** `Alert apps/all`. */
  readonly object?: string;
  readonly severity: 'error' | 'warning';
  readonly issue: ConfigIssue;
}

/**
 * Turns the problems of each snapshot into reports. A problem is reported when it is new, when it changed, and when it is
 * back. Warnings are only logged.
 */
export function createConfigReports(): (problems: readonly ReportableProblem[]) => readonly Report[] {
  let reported = new Map<string, string>();
  return (problems) => {
    const now = new Map<string, Report>();
    for (const { object, severity, issue } of problems) {
      const about = object === undefined ? undefined : objectOf(object);
      if (!about || severity !== 'error') continue;
      const reason = reasonFor(about, issue);
      const key = `${object} ${reason}`;
      const before = now.get(key);
      const message = before ? `${before.message}; ${formatIssue(issue)}` : formatIssue(issue);
      now.set(key, { about, reason, message });
    }
    const reports = [...now].filter(([key, { message }]) => reported.get(key) !== message).map(([, report]) => report);
    reported = new Map([...now].map(([key, { message }]) => [key, message]));
    return reports;
  };
}

function objectOf(text: string): ReportedObject | undefined {
  const [kind, name = ''] = text.split(' ');
  const named = parseName(name);
  return named && (kind === 'Alert' || kind === 'Provider') ? { kind, ...named } : undefined;
}

/** `NotificationDispatchFailed` for what prevents deliveries, `InvalidConfig` for the rest. */
function reasonFor({ kind }: ReportedObject, { path }: ConfigIssue): ReportReason {
  if (kind === 'Alert') return path.startsWith('spec.providerRef') ? 'NotificationDispatchFailed' : 'InvalidConfig';
  return path.startsWith('metadata.annotations') ? 'InvalidConfig' : 'NotificationDispatchFailed';
}

/** `Provider apps/hub`, for messages. */
export const providerText = (provider: NamespacedName): string => `Provider ${nameOf(provider)}`;
