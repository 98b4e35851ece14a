import { type DestinationStream, destination, type Logger, type LoggerOptions, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };
export type LogLevel = 'debug' | 'info' | 'error';
export type LogEncoding = 'json' | 'console';

/**
 * Logs as the Flux controllers do: one JSON object a line with `level`, `ts`, `logger`, `msg`, on standard error;
 * `console` is for people. Each part of the process takes a child: `logger.child({ logger: 'deliver' })`.
 */
export function createLogger(
  { level, encoding }: { readonly level: LogLevel; readonly encoding: LogEncoding },
  stream: DestinationStream = encoding === 'console' ? prettyStream() : destination({ fd: 2, sync: false }),
): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    messageKey: 'msg',
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  };
  return pino(options, stream);
}

const prettyStream = () =>
  pretty({ destination: 2, sync: true, messageKey: 'msg', timestampKey: 'ts', ignore: 'logger', hideObject: false });

/** Discards everything: for commands that report in another way, and for tests. */
export const silentLogger = (): Logger => pino({ level: 'silent' });
