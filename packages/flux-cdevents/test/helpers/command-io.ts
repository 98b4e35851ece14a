import { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { run } from '../../src/commands/command.ts';
import type { Io } from '../../src/commands/io.ts';

class Capture extends Writable {
  text = '';
  readonly isTTY: boolean;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** How a command ended and what it wrote. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  /** Whether all three streams are terminals. @default false */
  readonly tty?: boolean;
  readonly now?: number;
}

/** Runs a command in this process, with streams of its own. */
export async function runCommand(
  create: (io: Io) => Command,
  argv: readonly string[],
  { stdin = '', tty = false, now = Date.parse('2026-11-24T12:00:00Z') }: RunOptions = {},
): Promise<CommandResult> {
  const [stdout, stderr] = [new Capture(tty), new Capture(tty)];
  const io: Io = { stdin: Object.assign(Readable.from([stdin]), { isTTY: tty }), stdout, stderr, now: () => now };
  const code = await run(create(io), argv, io);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** The text without its colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
export const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, '');
