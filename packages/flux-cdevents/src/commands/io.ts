import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import Table from 'cli-table3';
import { toPrintable, toPrintableJson } from '../observe/printable.ts';

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

/** Text with a style for the terminal. */
export interface Styled {
  readonly text: string;
  readonly style: Style;
}

/** A line, perhaps in parts. Its text may come from anywhere: what a terminal would obey is shown as an escape. */
export type Line = string | Styled | readonly Line[];

/** Writes one line of the result, to standard output. */
export const print = (io: Io, line: Line): void => void io.stdout.write(`${render(io.stdout, line)}\n`);

/** Writes one line about the result, to standard error: progress, what was skipped, counts. */
export const note = (io: Io, line: Line): void => void io.stderr.write(`${render(io.stderr, line)}\n`);

/** Writes a text whose line feeds are meant, to standard output. */
export function printLines(io: Io, text: string): void {
  for (const line of text.split('\n')) print(io, line);
}

/** Writes a value as JSON, to standard output: on one line, or indented for people. */
export const printJson = (io: Io, value: unknown, indent?: number): void =>
  void io.stdout.write(`${toPrintableJson(value, indent)}\n`);

/** Text that is coloured on a terminal, unless `NO_COLOR` is set. */
export const paint = (style: Style, text: string): Styled => ({ style, text });

/** The one place where text becomes what a terminal gets. */
function render(stream: Io['stdout'] | Io['stderr'], line: Line): string {
  if (typeof line === 'string') return toPrintable(line);
  if (!('style' in line)) return line.map((part) => render(stream, part)).join('');
  const text = toPrintable(line.text);
  return process.env.NO_COLOR ? text : styleText(line.style, text, { stream: stream as NodeJS.WritableStream });
}

/** Shows on standard error what a command is waiting for, once it takes long. A fast command prints only its result. */
export async function withProgress<T>(io: Io, doing: string, work: Promise<T>, afterMs = 1000): Promise<T> {
  const timer = setTimeout(() => note(io, `${doing} …`), afterMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** A cell of a table. */
export type Cell = string | Styled;

/**
 * Writes rows as an aligned table on a terminal. When piped, every row is a line of tab-separated cells without a
 * header, for `cut` and `awk`. Tabs and line breaks inside a cell become spaces.
 */
export function printTable(io: Io, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  if (io.stdout.isTTY) printAligned(io, head, rows);
  else for (const row of rows) io.stdout.write(`${row.map((cell) => toPrintable(textOf(oneLine(cell)))).join('\t')}\n`);
}

/** Writes the aligned table even when piped, for output that only people read. */
export function printAligned(io: Io, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const table = new Table({
    head: head.map((title) => render(io.stdout, paint('bold', title.toUpperCase()))),
    chars: borderless,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 3 },
  });
  for (const row of rows) table.push(row.map((cell) => render(io.stdout, oneLine(cell))));
  io.stdout.write(`${table.toString().replaceAll(/ +$/gm, '')}\n`);
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

function oneLine(cell: Cell): Cell {
  const text = textOf(cell).replace(/\s+/g, ' ');
  return typeof cell === 'string' ? text : { ...cell, text };
}

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
