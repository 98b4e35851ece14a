import { type ConfigIssue, formatIssue } from '../diagnostics/issue.ts';
import { type NamespacedName, nameOf, parseName } from '../flux/object-ref.ts';
import type { Report, ReportedObject, ReportReason } from './reporter.ts';

/** A problem of the configuration, as far as it is told. */
export interface ReportableProblem {
  /** `Alert apps/all`. */
  readonly object?: string;
  readonly severity: 'error' | 'warning';
  readonly issue: ConfigIssue;
}

/**
 * Turns the problems of one snapshot after the other into reports: what an object says wrong is told when it is new or
 * something else, and told again when it comes back. Warnings stay in the log.
 */
export function createConfigReports(): (problems: readonly ReportableProblem[]) => readonly Report[] {
  let told = new Map<string, string>();
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
    const reports = [...now].filter(([key, { message }]) => told.get(key) !== message).map(([, report]) => report);
    told = new Map([...now].map(([key, { message }]) => [key, message]));
    return reports;
  };
}

function objectOf(text: string): ReportedObject | undefined {
  const [kind, name = ''] = text.split(' ');
  const named = parseName(name);
  return named && (kind === 'Alert' || kind === 'Provider') ? { kind, ...named } : undefined;
}

/** What is in the way of a delivery, or what the object itself should not say. */
function reasonFor({ kind }: ReportedObject, { path }: ConfigIssue): ReportReason {
  if (kind === 'Alert') return path.startsWith('spec.providerRef') ? 'NotificationDispatchFailed' : 'InvalidConfig';
  return path.startsWith('metadata.annotations') ? 'InvalidConfig' : 'NotificationDispatchFailed';
}

/** `Provider apps/hub`, the first words of many messages. */
export const providerText = (provider: NamespacedName): string => `Provider ${nameOf(provider)}`;
