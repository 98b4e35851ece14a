import { formatIssue } from '../../diagnostics/format.ts';
import { counted, type Io, note, paint, print } from '../io.ts';
import { AREAS, type Area, type ClusterFinding, countBad } from './finding.ts';

const TITLES: Readonly<Record<Area, string>> = {
  'API server': 'asking the API server',
  definitions: 'checking the definitions of Provider and Alert',
  installation: 'checking the installation',
  permissions: 'checking permissions',
  Providers: 'checking Providers',
  Alerts: 'checking Alerts',
};
const MARKS = { ok: '✔', warning: '⚠', error: '✗' } as const;
const STYLES = { ok: 'green', warning: 'yellow', error: 'red' } as const;

/** Prints as `flux check` does: a line with a mark for each result, and below an issue a line that says what to do. */
export function printFindings(io: Io, findings: readonly ClusterFinding[]): void {
  for (const area of AREAS) {
    const own = findings.filter((finding) => finding.area === area);
    if (own.length === 0) continue;
    print(io, `► ${TITLES[area]}`);
    for (const finding of own) {
      const mark = paint(STYLES[finding.result], MARKS[finding.result]);
      if (finding.result === 'ok') print(io, [mark, ` ${finding.text}`]);
      else {
        print(io, [mark, ` ${formatIssue(finding.issue)}`]);
        print(io, `  to fix: ${finding.fix}`);
      }
    }
  }
  const { errors, warnings } = countBad(findings);
  note(io, `${counted(findings.length, 'check')}: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}`);
}
