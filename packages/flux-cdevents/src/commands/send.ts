import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { FluxCDEventsError } from '../errors.ts';
import { type NamespacedName, parseName } from '../flux/object-ref.ts';
import type { DeliveryDetail } from '../http/api-types.ts';
import { CommandFailed, createCommand, flag, helpWith, integer, parserOf } from './command.ts';
import {
  type ControllerClient,
  createControllerClient,
  isSettled,
  type ServerFlags,
  serverFlags,
} from './controller-client.ts';
import { counted, type Io, type Line, note, paint, print, printJson, withProgress } from './io.ts';
import { readInput } from './read-text.ts';

interface SendFlags extends ServerFlags {
  readonly provider: NamespacedName;
  readonly reason?: string;
  readonly file?: string;
  readonly wait?: true;
  readonly waitTimeout: number;
  readonly json?: true;
}

const POLL_MS = 200;

/** `send`: sends a test event through a Provider of a running controller. */
export const createSendCommand = (io: Io): Command => {
  const command = createCommand('send', io)
    .summary('send a test event through a Provider of a running controller')
    .description(
      'Sends a test event through a Provider of a running controller. It passes through mapping, outbox and delivery ' +
        'like any other event, but without an Alert. It is about a HelmRelease flux-cdevents-test that does not exist, ' +
        'unless --file names another event.',
    )
    .addOption(
      flag('--provider <namespace/name>', 'the Provider to send through', (option) =>
        option.makeOptionMandatory().argParser(parserOf(parseName, 'NAMESPACE/NAME')),
      ),
    )
    .addOption(flag('--reason <reason>', 'reason of the test event (default: InstallSucceeded)'))
    .addOption(
      flag('--file <file>', 'a Flux event as JSON to send instead; - reads standard input').conflicts('reason'),
    )
    .addOption(flag('--wait', 'wait for the delivery; exit code 1 when it fails'))
    .addOption(
      flag('--wait-timeout <seconds>', 'give up waiting after this', (option) =>
        option.default(30).argParser(integer(1, 86_400)),
      ),
    )
    .addOption(flag('--json', 'print one JSON object for each CDEvent'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents send --provider flux-system/hub --wait', 'check that events get through'],
        ['flux-cdevents send --provider flux-system/hub --reason UpgradeFailed', 'send another kind of event'],
        ['flux-cdevents send --provider flux-system/hub --file event.json', 'an event of your own'],
      ]),
    )
    .action((flags: SendFlags) => send(io, flags));
  for (const option of serverFlags()) command.addOption(option);
  return command;
};

async function send(io: Io, flags: SendFlags): Promise<void> {
  const { provider, reason, file } = flags;
  const event = file === undefined ? undefined : parseEvent(await readInput(io, file));
  const client = await createControllerClient(flags);
  const request = { ...(reason !== undefined && { reason }), ...(event !== undefined && { event }) };
  const { entries, skipped } = await withProgress(io, `sending to ${flags.server}`, client.send(provider, request));
  if (entries.length === 0) {
    note(io, `the mapping of the Provider makes no CDEvent of this event (${skipped ?? 'nothing to do'})`);
    throw new CommandFailed();
  }
  const until = io.now() + flags.waitTimeout * 1000;
  let failed = false;
  for (const { id, type } of entries) {
    if (!flags.wait) {
      if (flags.json) printJson(io, { id, type });
      else print(io, [paint('cyan', type), `  ${id}  stored`]);
      continue;
    }
    const delivery = await withProgress(io, 'waiting for the receiver', settled(io, client, id, until));
    const { state, attempts, lastError } = delivery;
    if (state !== 'delivered') failed = true;
    if (flags.json) printJson(io, { id, type, state, attempts, ...(lastError && { lastError }) });
    else print(io, describe(delivery));
  }
  if (failed) throw new CommandFailed();
}

function parseEvent(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FluxCDEventsError('FCE_EVENT_INVALID', '--file: expected one Flux event as JSON', { cause });
  }
}

/** The delivery once it is settled, or as it is when the time is up. */
async function settled(io: Io, client: ControllerClient, id: string, until: number): Promise<DeliveryDetail> {
  for (;;) {
    const delivery = await client.show(id);
    if (isSettled(delivery) || io.now() >= until) return delivery;
    await sleep(POLL_MS);
  }
}

function describe({ id, type, state, attempts, lastError }: DeliveryDetail): Line {
  const outcome = paint(state === 'delivered' ? 'green' : 'red', state);
  const why = state !== 'delivered' && lastError ? `: ${lastError}` : '';
  return [paint('cyan', type), `  ${id}  `, outcome, ` after ${counted(attempts, 'attempt')}${why}`];
}
