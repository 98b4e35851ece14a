import type { Issue } from '../../diagnostics/issue.ts';

/** The parts of the check, in the order of the output. */
export const AREAS = ['API server', 'definitions', 'installation', 'permissions', 'Providers', 'Alerts'] as const;
export type Area = (typeof AREAS)[number];

/** A part of the check that is fine. */
export interface Good {
  readonly area: Area;
  readonly result: 'ok';
  readonly text: string;
}

/** A part that does not work (`error`), or that may not work or could not be checked (`warning`). */
export interface Bad {
  readonly area: Area;
  readonly result: Issue['severity'];
  readonly issue: Issue;
  /** What to do about it. */
  readonly fix: string;
}

/** The answer to one question about a cluster. No secret is in it. */
export type ClusterFinding = Good | Bad;

export const good = (area: Area, text: string): Good => ({ area, result: 'ok', text });

export const bad = (
  severity: Issue['severity'],
  area: Area,
  { fix, ...issue }: Omit<Issue, 'severity'> & Pick<Bad, 'fix'>,
): Bad => ({ area, result: severity, issue: { ...issue, severity }, fix });

export const countBad = (
  findings: readonly ClusterFinding[],
): { readonly errors: number; readonly warnings: number } => ({
  errors: findings.filter(({ result }) => result === 'error').length,
  warnings: findings.filter(({ result }) => result === 'warning').length,
});
