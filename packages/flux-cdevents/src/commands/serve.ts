import type { Command } from 'commander';
import { createApp } from '../app.ts';
import { createLogger } from '../observe/log.ts';
import { type RawOptions, resolveServeOptions, serveFlags } from '../options/serve-options.ts';
import { CommandFailed, createCommand, EXIT_FAILED, helpWith } from './command.ts';
import type { Io } from './io.ts';
import { untilSignal } from './until-signal.ts';

/** How long a stop may take after the store failed. A stopping Flux controller has 10 s. */
const MAX_STOP_MS = 8_000;

/** `serve`: runs the controller until SIGINT or SIGTERM, then drains it. */
export function createServeCommand(io: Io): Command {
  const command = createCommand('serve', io)
    .description('Runs the controller: receives Flux events, maps them, and delivers CDEvents to the Providers.')
    .summary('run the controller: Flux events in, CDEvents out')
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents serve --config ./config --data-dir ./data', "Flux's --events-addr is http://<this host>:9090/"],
        ['flux-cdevents serve --kubernetes --cluster eu-1', 'in a cluster, or against the cluster of the kubeconfig'],
        ['flux-cdevents serve --config ./config --cluster eu-1 --log-encoding console', 'logs for people'],
      ]),
    )
    .action(async (raw: RawOptions) => {
      const options = resolveServeOptions(raw);
      const logger = createLogger({ level: options.logLevel, encoding: options.logEncoding });
      const app = createApp(options, logger);
      const signal = untilSignal();
      // A signal during the start cancels it: stop() does that.
      await Promise.race([app.start(), signal, app.failed]);
      const reason = await Promise.race([signal, app.failed]);
      if (typeof reason === 'string') {
        logger.info({ signal: reason }, 'stopping');
        await app.stop();
        return;
      }
      // The app has logged the reason. Nothing that hangs may keep it from being started again.
      setTimeout(() => process.exit(EXIT_FAILED), MAX_STOP_MS).unref();
      await app.stop();
      throw new CommandFailed();
    });
  for (const option of serveFlags()) command.addOption(option);
  return command;
}
