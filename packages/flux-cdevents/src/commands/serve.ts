import { Command } from 'commander';
import { createApp } from '../app.ts';
import { createLogger } from '../observe/log.ts';
import { type RawOptions, resolveServeOptions, serveFlags } from '../options/serve-options.ts';

/** `serve`: runs the controller until a signal, then drains. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('run the controller: Flux events in, CDEvents out')
    .addHelpText(
      'after',
      `
Flux's controllers are told to post here with --events-addr=http://<this host>:9090/
Every flag has an environment variable: --events-addr is FLUX_CDEVENTS_EVENTS_ADDR.

Examples:
  $ flux-cdevents serve --config ./config --data-dir ./data
  $ flux-cdevents serve --config ./config --cluster eu-1 --log-encoding console

Exit codes: 0 stopped by a signal, 1 could not start or had to stop, 2 a flag is wrong`,
    )
    .action(async (raw: RawOptions) => {
      const options = resolveServeOptions(raw);
      const logger = createLogger({ level: options.logLevel, encoding: options.logEncoding });
      const app = createApp(options, logger);
      const signal = Promise.withResolvers<NodeJS.Signals>();
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, signal.resolve);
      await app.start();
      logger.info({ signal: await signal.promise }, 'stopping');
      await app.stop();
    });
  for (const option of serveFlags()) command.addOption(option);
  return command;
}
