import { createInterface } from 'node:readline/promises';
import { FluxCDEventsError } from '../errors.ts';
import type { CountAnswer } from '../http/api-types.ts';
import { CommandFailed } from './command.ts';
import { counted, type Io, note } from './io.ts';

/** What a command is about to do to entries of the outbox. */
export interface Change {
  /** `discard` */
  readonly verb: string;
  /** How many entries the command line names one by one; 0 when it selects them in another way. */
  readonly named: number;
  /** How many would change, and of which Providers. */
  count(): Promise<CountAnswer>;
}

/**
 * Lets a person decide before more changes than the command line names: shows how many entries of which Providers, and takes
 * anything but yes for a no.
 * @throws {FluxCDEventsError} `FCE_OPTION_INVALID` when nobody can answer
 * @throws {CommandFailed} when the answer is no
 */
export async function askConsent(io: Io, { verb, named, count }: Change): Promise<void> {
  const isAnswered = io.stdin.isTTY === true && io.stderr.isTTY === true;
  if (!isAnswered && named === 0) throw needsYes(verb);
  const { count: found, providers = {} } = await count();
  if (found <= named) return;
  if (!isAnswered) throw needsYes(`${verb} ${counted(found, 'entry', 'entries')}`);
  for (const [provider, entries] of Object.entries(providers)) note(io, `  ${provider}  ${entries}`);
  const question = createInterface({ input: io.stdin, output: io.stderr });
  const answer = await question
    .question(`${verb} ${counted(found, 'entry', 'entries')}? [y/N] `, { signal: endOf(io) })
    .catch(() => '');
  question.close();
  if (/^y(es)?$/i.test(answer.trim())) return;
  note(io, 'nothing was changed');
  throw new CommandFailed();
}

const needsYes = (doing: string): FluxCDEventsError =>
  new FluxCDEventsError(
    'FCE_OPTION_INVALID',
    `--yes: expected, to ${doing} where nobody can be asked; nothing was changed`,
  );

/** Aborts when the input ends without an answer. */
function endOf({ stdin }: Io): AbortSignal {
  const ended = new AbortController();
  stdin.once('end', () => setImmediate(() => ended.abort()));
  return ended.signal;
}
