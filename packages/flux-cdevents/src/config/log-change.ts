import { formatIssue } from '../diagnostics/format.ts';
import type { Logger } from '../observe/log.ts';
import type { ConfigSnapshot } from './config-source.ts';

/** Logs every new problem, every problem that is gone, and the size of the new snapshot. */
export function logChange(logger: Logger, before: ConfigSnapshot | undefined, after: ConfigSnapshot): void {
  const old = new Set(before?.problems.map(formatIssue));
  const now = new Set(after.problems.map(formatIssue));
  for (const problem of after.problems) {
    const text = formatIssue(problem);
    if (old.has(text)) continue;
    if (problem.severity === 'error') logger.error({ problem: text }, 'configuration problem');
    else logger.info({ problem: text }, 'configuration warning');
  }
  for (const text of old) if (!now.has(text)) logger.info({ problem: text }, 'configuration problem is gone');
  const { alerts, providers, problems } = after;
  logger.info({ alerts: alerts.length, providers: providers.size, problems: problems.length }, 'configuration loaded');
}
