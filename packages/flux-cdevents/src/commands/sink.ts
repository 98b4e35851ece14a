import { setTimeout as sleep } from 'node:timers/promises';
import { parse as parseDuration } from '@lukeed/ms';
import type { Command } from 'commander';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { createCommand, flag, helpWith, integer, parserOf } from './command.ts';
import { counted, type Io, type Line, note, paint, print, printJson } from './io.ts';
import { createSinkServer, type SinkOptions, type SinkResult } from './sink-server.ts';
import { untilSignal } from './until-signal.ts';

interface SinkFlags {
  readonly host: string;
  readonly port: number;
  readonly failRate?: number;
  readonly status?: number;
  readonly delay?: number;
  readonly json?: true;
}

const rate = parserOf((text) => {
  const value = text === '' ? Number.NaN : Number(text);
  return value >= 0 && value <= 1 ? value : undefined;
}, 'a share from 0 to 1, such as 0.3');

const duration = parserOf((text) => {
  const ms = /^\d+(?:\.\d+)? ?[a-z]+$/i.test(text) ? parseDuration(text) : undefined;
  return ms !== undefined && ms <= 600_000 ? ms : undefined;
}, 'a duration of at most 10m, such as 500ms or 2s');

/** `sink`: receives CloudEvents and prints whether each carries a valid CDEvent. */
export const createSinkCommand = (io: Io): Command =>
  createCommand('sink', io)
    .summary('receive CloudEvents and validate the CDEvents in them')
    .description(
      'Receives CloudEvents in every content mode and prints a line for each CDEvent: time, type, subject id, source, ' +
        'id. An invalid one is answered with 400 and the issues. The address, and the counts at the end, go to standard ' +
        'error.',
    )
    .addOption(flag('--host <address>', 'address to listen on', (option) => option.default('127.0.0.1')))
    .addOption(
      flag('--port <number>', 'port to listen on; 0 picks a free one', (option) =>
        option.default(5000).argParser(integer(0, 65_535)),
      ),
    )
    .addOption(flag('--fail-rate <share>', 'refuse this share of the requests, 0 to 1', (o) => o.argParser(rate)))
    .addOption(
      flag('--status <code>', 'status of a refused request; without --fail-rate, refuse every request', (option) =>
        option.argParser(integer(200, 599)),
      ),
    )
    .addOption(flag('--delay <duration>', 'wait before each answer, such as 2s', (o) => o.argParser(duration)))
    .addOption(flag('--json', 'print one JSON object per line, with the CDEvent in it'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents sink', 'listen on 127.0.0.1:5000'],
        ['flux-cdevents sink --fail-rate 0.3', 'refuse three requests of ten with 503'],
        ['flux-cdevents sink --status 429 --delay 2s', 'be slow and accept nothing'],
        ['flux-cdevents sink --json | jq .event', 'look at the CDEvents'],
      ]),
    )
    .action(async (flags: SinkFlags) => {
      const options: SinkOptions = {
        ...(flags.failRate !== undefined && { failRate: flags.failRate }),
        ...(flags.status !== undefined && { status: flags.status }),
        ...(flags.delay !== undefined && { delay: () => sleep(flags.delay) }),
        random: Math.random,
        onResult(result) {
          if (flags.json) printJson(io, { time: new Date(io.now()).toISOString(), ...result });
          else print(io, toLine(result, io.now()));
        },
      };
      const { server, counts } = createSinkServer(options);
      let address: string;
      try {
        address = await server.listen({ host: flags.host, port: flags.port });
      } catch (cause) {
        throw new FluxCDEventsError('FCE_LISTEN_FAILED', `--host, --port: ${messageOf(cause)}`, { cause });
      }
      note(io, `listening on ${address}`);
      await untilSignal();
      await server.close();
      const { accepted, distinct, refused, invalid } = counts();
      note(
        io,
        `${counted(accepted, 'CDEvent')} accepted, ${distinct} of them distinct; ${refused} refused on purpose, ${invalid} invalid`,
      );
    });

function toLine(result: SinkResult, at: number): Line {
  const time = paint('dim', new Date(at).toISOString().slice(11, 23));
  if (result.result === 'invalid') {
    const label = result.type ?? 'no CDEvent';
    return [time, '  ', paint('red', `invalid ${result.status}`), `  ${label}  ${result.issues.join('; ')}`];
  }
  const { type, subject, source, id, duplicate } = result;
  const marks = [
    ...(duplicate ? [paint('yellow', 'duplicate')] : []),
    ...(result.result === 'refused' ? [paint('red', `refused ${result.status}`)] : []),
  ];
  return [time, '  ', paint('cyan', type), `  ${subject}  ${source}  ${id}`, ...marks.map((mark) => ['  ', mark])];
}
