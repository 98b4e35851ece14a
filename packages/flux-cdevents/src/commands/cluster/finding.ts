import type { IssueRecord } from '../../diagnostics/format.ts';

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
  readonly result: 'warning' | 'error';
  /** `Provider apps/hub`. */
  readonly object: string;
  readonly issue: ShownIssue;
  /** What to do about it. */
  readonly fix: string;
}

/** An issue as the check prints it, with its path as text. */
export type ShownIssue = Pick<IssueRecord, 'path' | 'expected' | 'found'> & Partial<Pick<IssueRecord, 'code'>>;

/** The answer to one question about a cluster. No secret is in it. */
export type ClusterFinding = Good | Bad;

export const good = (area: Area, text: string): Good => ({ area, result: 'ok', text });

export const bad = (
  result: Bad['result'],
  area: Area,
  { object, fix, ...issue }: ShownIssue & { readonly object: string; readonly fix: string },
): Bad => ({ area, result, object, issue, fix });

export const countBad = (
  findings: readonly ClusterFinding[],
): { readonly errors: number; readonly warnings: number } => ({
  errors: findings.filter(({ result }) => result === 'error').length,
  warnings: findings.filter(({ result }) => result === 'warning').length,
});
