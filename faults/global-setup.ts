import { forgetRows, readRows } from './rows.ts';

/** Prints the table of the run when all suites have ended. */
export default function setup(): () => void {
  forgetRows();
  return () => {
    const rows = readRows();
    if (rows.length > 0) console.table(rows);
  };
}
