import type { Command } from 'commander';
import { createCommand, helpWith, run } from './commands/command.ts';
import { type Io, processIo } from './commands/io.ts';
import { VERSION } from './version.ts';

/**
 * The commands, in the order of the help. Only the one that is asked for is loaded: most of the time that a short
 * command takes is loading, and only `serve` needs everything.
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
// A reader that has seen enough (`| head`) is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
}

const argv = process.argv.slice(2);
const program = createCommand('flux-cdevents', io)
  .description('The CDEvents Provider for Flux: Flux events in, CDEvents out, and nothing accepted is lost.')
  .version(VERSION)
  // A flag behind a command is that command's: install has a --version of its own.
  .enablePositionalOptions()
  .addHelpText(
    'after',
    helpWith([
      ['flux-cdevents demo', 'see it work on this machine'],
      ['flux-cdevents serve --config ./config', 'run the controller'],
      ['flux-cdevents check ./config', 'is the configuration right?'],
      ['flux-cdevents convert events.jsonl', 'what becomes of recorded Flux events'],
      ['flux-cdevents sink --port 5000', 'receive CDEvents and check them'],
      ['flux-cdevents deliveries list --state dead-letter', 'what could not be delivered'],
    ]),
  );
const wanted = Object.entries(commands).filter(([name]) => name === argv[0]);
for (const [, load] of wanted.length > 0 ? wanted : Object.entries(commands)) {
  const create = await load();
  program.addCommand(create(io).copyInheritedSettings(program));
}

const code = await run(program, argv, io);
// A command may have set a code of its own.
if (code !== 0) process.exitCode = code;
