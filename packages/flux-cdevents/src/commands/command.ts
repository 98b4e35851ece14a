import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { toPrintable } from '../observe/printable.ts';
import { type Io, note } from './io.ts';

/** Exit codes of every command; the help shows them. */
const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

const EXIT_CODES_HELP = `
Exit codes:
  0  done
  1  the command failed
  2  the command line is invalid`;

/**
 * A flag that only the command line sets. Environment variables are for `serve`, which runs unattended: what a command is
 * about must not depend on what another one left behind.
 */
export const flag = (
  flags: string,
  description: string,
  refine: (option: Option) => Option = (option) => option,
): Option => refine(new Option(flags, description));

/** Creates a command with what all of them share: the form of errors and the hint to the help. */
export function createCommand(name: string, io: Io): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(printable(text)),
      writeErr: (text) => void io.stderr.write(printable(text)),
      outputError: (text, write) => write(toErrorLine(text)),
    })
    .showHelpAfterError('Run the command with --help to see its flags.');
}

const printable = (text: string): string => text.split('\n').map(toPrintable).join('\n');

/** An error of Commander in our form. It quotes what was given, whose line feeds begin no lines; a hint has its own line. */
const toErrorLine = (text: string): string =>
  text.replace(/^error: /, 'flux-cdevents: FCE_OPTION_INVALID: ').replace(/\n(?!\(Did you mean |$)/g, toPrintable);

/** The examples and exit codes that follow the flags in a help text. */
export const helpWith = (examples: readonly (readonly [command: string, does: string])[]): string => {
  const width = Math.max(...examples.map(([command]) => command.length));
  const lines = examples.map(([command, does]) => `  $ ${command.padEnd(width)}  ${does}`);
  return `\nExamples:\n${lines.join('\n')}\n${EXIT_CODES_HELP}`;
};

/** Makes a parser for Commander from one that answers undefined for an invalid value. */
export const parserOf =
  <T>(parse: (text: string) => T | undefined, expected: string) =>
  (text: string): T => {
    const value = parse(text);
    if (value === undefined) throw new InvalidArgumentError(`Expected ${expected}.`);
    return value;
  };

/** A whole number from `min` to `max`. */
export const integer = (min: number, max: number) =>
  parserOf((text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  }, `a whole number from ${min} to ${max}`);

/** Ends a command with an exit code when it has already printed what went wrong. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: number;

  constructor(exitCode = EXIT_FAILED) {
    super();
    this.exitCode = exitCode;
  }
}

/**
 * Runs a program and returns its exit code. An error becomes one line on standard error, without a stack;
 * `FLUX_CDEVENTS_DEBUG=1` adds the stack of an unexpected one.
 */
export async function run(program: Command, argv: readonly string[], io: Io): Promise<number> {
  try {
    await program.parseAsync(argv, { from: 'user' });
    return EXIT_OK;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    if (error instanceof CommandFailed) return error.exitCode;
    if (error instanceof FluxCDEventsError) {
      for (const line of error.message.split('\n')) note(io, `flux-cdevents: ${error.code}: ${line}`);
      return error.code === 'FCE_OPTION_INVALID' ? EXIT_USAGE : EXIT_FAILED;
    }
    note(io, `flux-cdevents: ${messageOf(error)}`);
    if (process.env.FLUX_CDEVENTS_DEBUG && error instanceof Error) {
      for (const line of (error.stack ?? '').split('\n')) note(io, line);
    }
    return EXIT_FAILED;
  }
}
