import { type DestinationStream, destination, type Logger, type LoggerOptions, pino } from 'pino';
import pretty from 'pino-pretty';
import { escapeJson, printableValue } from './printable.ts';

export type { Logger };
export type LogLevel = 'debug' | 'info' | 'error';
export type LogEncoding = 'json' | 'console';

/**
 * Logs as the Flux controllers do: one JSON object a line with `level`, `ts`, `logger`, `msg`, on standard error;
 * `console` is for people. Each part of the process takes a child: `logger.child({ logger: 'deliver' })`. Whatever a
 * message or a field holds, a terminal only shows it: JSON has escapes, and so has the text for people.
 */
export function createLogger(
  { level, encoding }: { readonly level: LogLevel; readonly encoding: LogEncoding },
  stream: DestinationStream = destination({ fd: 2, sync: encoding === 'console' }),
): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    messageKey: 'msg',
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    formatters: {
      level: (label) => ({ level: label }),
      log: (fields) => bounded(fields, { left: MAX_LINE_CHARS }) as Record<string, unknown>,
    },
    hooks: {
      logMethod(args, method) {
        method.apply(
          this,
          args.map((arg) => (typeof arg === 'string' ? shortened(arg, MAX_LOGGED_CHARS) : arg)) as typeof args,
        );
      },
    },
  };
  return pino(
    options,
    encoding === 'console' ? forPeople(stream) : { write: (line) => stream.write(escapeJson(line)) },
  );
}

/** Whoever sends an event chooses its texts, so the longest of one value and of a line is limited. */
const MAX_LOGGED_CHARS = 2000;
const MAX_LINE_CHARS = 8000;
/** The values of a list or a map that are logged. */
const MAX_LOGGED_VALUES = 50;
const MAX_LOGGED_DEPTH = 5;

/** What is logged of a value. @param budget how many characters are left for it; they are taken from it */
function bounded(value: unknown, budget: { left: number }, depth = 0): unknown {
  if (typeof value === 'string') {
    const text = shortened(value, Math.min(MAX_LOGGED_CHARS, Math.max(budget.left, 0)));
    budget.left -= text.length;
    return text;
  }
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  const isList = Array.isArray(value);
  if (!isList && Object.getPrototypeOf(value) !== Object.prototype) return value;
  const keys = Object.keys(value);
  if (depth === MAX_LOGGED_DEPTH || (budget.left <= 0 && keys.length > 0)) return '…';
  const shown = keys.slice(0, MAX_LOGGED_VALUES).map((key): [string, unknown] => {
    budget.left--;
    return [
      isList ? key : String(bounded(key, budget)),
      bounded((value as Record<string, unknown>)[key], budget, depth + 1),
    ];
  });
  if (keys.length > shown.length) shown.push(['…', `${isList ? '… ' : ''}${keys.length - shown.length} more`]);
  return isList ? shown.map(([, one]) => one) : Object.fromEntries(shown);
}

const shortened = (text: string, max: number): string =>
  text.length <= max ? text : `${text.slice(0, max)}… (${text.length.toLocaleString('en-US')} characters)`;

function forPeople(stream: DestinationStream): DestinationStream {
  const format = pretty.prettyFactory({
    messageKey: 'msg',
    timestampKey: 'ts',
    ignore: 'logger',
  });
  return { write: (line) => stream.write(format(printableValue(JSON.parse(line)) as object)) };
}

/** Discards everything: for commands that report in another way, and for tests. */
export const silentLogger = (): Logger => pino({ level: 'silent' });
