import { formatIssue } from '../diagnostics/format.ts';
import type { ConfigSource } from './config-source.ts';

/** How long a part of the configuration may be unknown before the process counts as not ready. */
export const MAX_UNKNOWN_MS = 60_000;

/**
 * Why the configuration keeps the process from being ready: it has not been loaded yet, or a part of it has been unknown
 * for a minute. Empty when it does not. The reasons contain no secrets.
 * @param now the clock of `performance.now()`, which does not jump
 */
export function configReadiness(
  source: Pick<ConfigSource, 'snapshot' | 'waitsFor'>,
  now: () => number = () => performance.now(),
): readonly string[] {
  const snapshot = source.snapshot();
  if (!snapshot) return source.waitsFor();
  return snapshot.unread.flatMap(({ problem, sinceMs }) => {
    const unknownMs = now() - sinceMs;
    if (unknownMs < MAX_UNKNOWN_MS) return [];
    return [`configuration unknown for ${Math.floor(unknownMs / 1000)} s: ${formatIssue(problem)}`];
  });
}
