import { formatFault, formatObject } from '../diagnostics/format.ts';
import { type Issue, reportedObject } from '../diagnostics/issue.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { Report, ReportedObject, ReportReason } from './reporter.ts';

/**
 * Converts the problems of each snapshot to reports. A problem is reported when it appears, changes or comes back.
 * Warnings are only logged.
 */
export function createConfigReports(): (problems: readonly Issue[]) => readonly Report[] {
  let reported = new Map<string, string>();
  return (problems) => {
    const now = new Map<string, Report>();
    for (const issue of problems) {
      const about = aboutOf(issue);
      if (!about || issue.severity !== 'error') continue;
      const reason = reasonFor(about, issue);
      const key = `${formatObject(about)} ${reason}`;
      const before = now.get(key);
      const message = before ? `${before.message}; ${formatFault(issue)}` : formatFault(issue);
      now.set(key, { about, reason, message });
    }
    const reports = [...now].filter(([key, { message }]) => reported.get(key) !== message).map(([, report]) => report);
    reported = new Map([...now].map(([key, { message }]) => [key, message]));
    return reports;
  };
}

function aboutOf(issue: Issue): ReportedObject | undefined {
  const { kind, namespace, name } = reportedObject(issue) ?? {};
  const isReported = kind === 'Alert' || kind === 'Provider';
  return isReported && namespace !== undefined && name !== undefined ? { kind, namespace, name } : undefined;
}

/** `NotificationDispatchFailed` for what prevents deliveries, `InvalidConfig` for the rest. */
function reasonFor({ kind }: ReportedObject, { path: [section, field] }: Issue): ReportReason {
  if (kind === 'Alert') return field === 'providerRef' ? 'NotificationDispatchFailed' : 'InvalidConfig';
  return section === 'metadata' && field === 'annotations' ? 'InvalidConfig' : 'NotificationDispatchFailed';
}

/** `Provider apps/hub`, for messages. */
export const providerText = (provider: NamespacedName): string => `Provider ${nameOf(provider)}`;
