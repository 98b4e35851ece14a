import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One line of the table of a run. */
export interface Row {
  readonly fault: string;
  /** How often it happened. */
  readonly times: number;
  readonly accepted: number;
  readonly delivered: number;
  /** Dead letters, which were replayed and delivered. */
  readonly dead: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Why there may be duplicates. */
  readonly why: string;
  /** Violations of the order of an object. */
  readonly order: number;
  /** From the end of the fault until nothing was queued. */
  readonly seconds: number;
}

const FILE = join(import.meta.dirname, '../.cache/faults/rows.jsonl');

export function addRow(row: Row): void {
  mkdirSync(dirname(FILE), { recursive: true });
  appendFileSync(FILE, `${JSON.stringify(row)}\n`);
}

export const forgetRows = (): void => rmSync(FILE, { force: true });

export const readRows = (): Row[] =>
  (existsSync(FILE) ? readFileSync(FILE, 'utf8') : '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
