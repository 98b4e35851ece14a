import { createCheckCommand } from './commands/check.ts';
import { createCommand, helpWith, run } from './commands/command.ts';
import { createConvertCommand } from './commands/convert.ts';
import { createDeliveriesCommand } from './commands/deliveries.ts';
import { createDemoCommand } from './commands/demo.ts';
import { processIo } from './commands/io.ts';
import { createMappingCommand } from './commands/mapping.ts';
import { createSendCommand } from './commands/send.ts';
import { createServeCommand } from './commands/serve.ts';
import { createSinkCommand } from './commands/sink.ts';
import { VERSION } from './version.ts';

const io = processIo();
// A reader that has seen enough (`| head`) is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
}

const program = createCommand('flux-cdevents', io)
  .description('The CDEvents Provider for Flux: Flux events in, CDEvents out, and nothing accepted is lost.')
  .version(VERSION)
  .addHelpText(
    'after',
    helpWith([
      ['flux-cdevents demo', 'see it work on this machine'],
      ['flux-cdevents check config/', 'is the configuration right?'],
      ['flux-cdevents convert events.jsonl', 'what becomes of recorded Flux events'],
      ['flux-cdevents sink --port 5000', 'receive CDEvents and check them'],
      ['flux-cdevents deliveries list --state dead-letter', 'what could not be delivered'],
    ]),
  );
const commands = [
  createServeCommand(io),
  createDemoCommand(io),
  createSinkCommand(io),
  createCheckCommand(io),
  createConvertCommand(io),
  createMappingCommand(io),
  createDeliveriesCommand(io),
  createSendCommand(io),
];
for (const command of commands) program.addCommand(command.copyInheritedSettings(program));

const code = await run(program, process.argv.slice(2), io);
// A command may have set a code of its own.
if (code !== 0) process.exitCode = code;
