import type { Command } from 'commander';
import { createCommand, helpWith, run } from './commands/command.ts';
import { type Io, processIo } from './commands/io.ts';
import { VERSION } from './version.ts';

/**
 * The commands, in the order of the help. Only the requested one is loaded, because loading takes most of the time of a
 * short command, and only `serve` needs everything.
 */
const commands: Readonly<Record<string, () => Promise<(io: Io) => Command>>> = {
  serve: async () => (await import('./commands/serve.ts')).createServeCommand,
  demo: async () => (await import('./commands/demo.ts')).createDemoCommand,
  sink: async () => (await import('./commands/sink.ts')).createSinkCommand,
  convert: async () => (await import('./commands/convert.ts')).createConvertCommand,
  check: async () => (await import('./commands/check.ts')).createCheckCommand,
  mapping: async () => (await import('./commands/mapping.ts')).createMappingCommand,
  deliveries: async () => (await import('./commands/deliveries.ts')).createDeliveriesCommand,
  send: async () => (await import('./commands/send.ts')).createSendCommand,
  install: async () => (await import('./commands/install.ts')).createInstallCommand,
};

const io = processIo();
// A reader that closes the pipe early (`| head`) is not a failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
}

const argv = process.argv.slice(2);
const program = createCommand('flux-cdevents', io)
  .description('The CDEvents Provider for Flux: Flux events in, CDEvents out, and nothing accepted is lost.')
  .version(VERSION)
  // A flag after a command belongs to that command: install has its own --version.
  .enablePositionalOptions()
  .addHelpText(
    'after',
    helpWith([
      ['flux-cdevents demo', 'see it work on this machine'],
      ['flux-cdevents serve --config ./config', 'run the controller'],
      ['flux-cdevents check ./config', 'validate the configuration'],
      ['flux-cdevents convert events.jsonl', 'convert recorded Flux events'],
      ['flux-cdevents sink --port 5000', 'receive and validate CDEvents'],
      ['flux-cdevents deliveries list --state dead-letter', 'list what could not be delivered'],
    ]),
  );
const wanted = Object.entries(commands).filter(([name]) => name === argv[0]);
for (const [, load] of wanted.length > 0 ? wanted : Object.entries(commands)) {
  const create = await load();
  program.addCommand(create(io).copyInheritedSettings(program));
}

const code = await run(program, argv, io);
// Keep an exit code that a command has set itself.
if (code !== 0) process.exitCode = code;
