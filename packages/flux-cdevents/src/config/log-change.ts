import { formatIssue } from '../diagnostics/format.ts';
import type { Logger } from '../observe/log.ts';
import type { ConfigSnapshot } from './config-source.ts';

/** Logs every new problem, every problem that is gone, and the size of the new snapshot. */
export function logChange(logger: Logger, before: ConfigSnapshot | undefined, after: ConfigSnapshot): void {
  const old = new Set(before?.problems.map(formatIssue));
  const gone = new Set(old);
  for (const problem of after.problems) {
    const text = formatIssue(problem);
    gone.delete(text);
    if (old.has(text)) continue;
    if (problem.severity === 'error') logger.error({ problem: text }, 'configuration problem');
    else logger.info({ problem: text }, 'configuration warning');
  }
  for (const text of gone) logger.info({ problem: text }, 'configuration problem is gone');
  const { alerts, providers, problems } = after;
  logger.info({ alerts: alerts.length, providers: providers.size, problems: problems.length }, 'configuration loaded');
}
