import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import Table from 'cli-table3';

type Style = Parameters<typeof styleText>[0];

/** How a command reads and writes; tests pass their own streams. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Epoch ms. */
  readonly now: () => number;
}

export const processIo = (): Io => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
});

/** Writes one line of the result, to standard output. */
export const print = (io: Io, line: string): void => void io.stdout.write(`${line}\n`);

/** Writes one line about the result, to standard error: progress, what was skipped, counts. */
export const note = (io: Io, line: string): void => void io.stderr.write(`${line}\n`);

/** Colours text on a terminal, unless `NO_COLOR` is set. */
export const paint = (stream: Io['stdout'] | Io['stderr'], style: Style, text: string): string =>
  process.env.NO_COLOR ? text : styleText(style, text, { stream: stream as NodeJS.WritableStream });

/** Shows on standard error what a command is waiting for, once it takes long. A fast command prints only its result. */
export async function withProgress<T>(io: Io, doing: string, work: Promise<T>, afterMs = 1000): Promise<T> {
  const timer = setTimeout(() => note(io, `${doing} …`), afterMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** A cell of a table: plain text, optionally with a style for the terminal. */
export type Cell = string | { readonly text: string; readonly style: Style };

/**
 * Writes rows as an aligned table on a terminal. When piped, every row is a line of tab-separated cells without a
 * header, for `cut` and `awk`. Tabs and line breaks inside a cell become spaces.
 */
export function printTable(io: Io, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  if (io.stdout.isTTY) printAligned(io, head, rows);
  else for (const row of rows) print(io, row.map(oneLine).join('\t'));
}

/** Writes the aligned table even when piped, for output that only people read. */
export function printAligned(io: Io, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const table = new Table({
    head: head.map((title) => paint(io.stdout, 'bold', title.toUpperCase())),
    chars: borderless,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 3 },
  });
  for (const row of rows) {
    table.push(
      row.map((cell) => (typeof cell === 'string' ? oneLine(cell) : paint(io.stdout, cell.style, oneLine(cell)))),
    );
  }
  print(io, table.toString().replaceAll(/ +$/gm, ''));
}

const oneLine = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text).replace(/\s+/g, ' ');

const borderless = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((place) => [place, '']),
);

/** Formats an age as kubectl does: `42s`, `7m`, `3h`, `2d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** `1 event`, `2 events`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
