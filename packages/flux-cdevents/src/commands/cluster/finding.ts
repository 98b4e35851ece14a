import type { ConfigIssue } from '../../diagnostics/issue.ts';

/** What is looked at in a cluster, in the order of the output. */
export const AREAS = ['API server', 'definitions', 'installation', 'permissions', 'Providers', 'Alerts'] as const;
export type Area = (typeof AREAS)[number];

/** Something is as it should be. */
export interface Good {
  readonly area: Area;
  readonly result: 'ok';
  readonly text: string;
}

/** Something would not work (`error`), or may not, or could not be found out (`warning`). */
export interface Bad {
  readonly area: Area;
  readonly result: 'warning' | 'error';
  /** `Provider apps/hub`. */
  readonly object: string;
  readonly issue: ConfigIssue;
  /** What to do about it. */
  readonly fix: string;
}

/** The answer to one question about a cluster. No secret is in it. */
export type ClusterFinding = Good | Bad;

export const good = (area: Area, text: string): Good => ({ area, result: 'ok', text });

export const bad = (
  result: Bad['result'],
  area: Area,
  { object, fix, ...issue }: ConfigIssue & { readonly object: string; readonly fix: string },
): Bad => ({ area, result, object, issue, fix });

export const countBad = (
  findings: readonly ClusterFinding[],
): { readonly errors: number; readonly warnings: number } => ({
  errors: findings.filter(({ result }) => result === 'error').length,
  warnings: findings.filter(({ result }) => result === 'warning').length,
});
