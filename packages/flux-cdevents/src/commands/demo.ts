import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { parseDocument, stringify } from 'yaml';
import type { Addresses } from '../app.ts';
import { FluxCDEventsError } from '../errors.ts';
import { type FluxEvent, parseFluxEvent } from '../flux/event.ts';
import { nameOf } from '../flux/object-ref.ts';
import type { Delivery } from '../http/api-types.ts';
import { createSequentialConverter } from '../map/sequential-converter.ts';
import type { PresetName } from '../provider/provider.ts';
import { OPTION_PREFIX } from '../provider/provider-options.ts';
import { CommandFailed, createCommand, flag, helpWith } from './command.ts';
import { type ControllerClient, createControllerClient, isSettled } from './controller-client.ts';
import { type DemoProcess, startProcess } from './demo-process.ts';
import { describeEvent } from './explain.ts';
import { type Cell, counted, type Io, note, paint, print, printAligned } from './io.ts';
import type { SinkResult } from './sink-server.ts';
import { untilSignal } from './until-signal.ts';

const DATA = join(import.meta.dirname, '../../demo');
const POLL_MS = 50;
/** How long the demo waits for anything before it fails. */
const WAIT_AT_MOST_MS = 30_000;
const PROVIDER = 'flux-system/cdevents-provider';

/** `demo`: runs the whole path of an event on one machine. */
export const createDemoCommand = (io: Io): Command =>
  createCommand('demo', io)
    .summary('run the whole path of an event on this machine, in a few seconds')
    .description(
      "Runs a controller with the RFC's Provider and a receiver as processes of their own, posts a recorded rollout to " +
        'the event endpoint, kills the receiver half-way and starts it again, and shows what was delivered. Uses free ' +
        'ports and a temporary folder, and leaves nothing behind.',
    )
    .addOption(
      flag('--preset <name>', 'built-in mapping of the Provider', (option) =>
        option.choices(['rfc', 'service']).default('rfc'),
      ),
    )
    .addOption(flag('--keep', 'keep running afterwards, and print commands to try'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents demo', 'exit code 1 when anything is lost or invalid'],
        ['flux-cdevents demo --preset service', "services and incidents instead of the RFC's table"],
        ['flux-cdevents demo --keep', 'keep everything running until Ctrl-C'],
      ]),
    )
    .action(async ({ keep, preset }: { readonly keep?: true; readonly preset: PresetName }) => {
      const folder = await mkdtemp(join(tmpdir(), 'flux-cdevents-demo-'));
      const run = createDemoRun(folder);
      const interrupted = untilSignal();
      try {
        const result = await Promise.race([runDemo(io, run, preset), interrupted.then(() => undefined)]);
        if (!result) throw new CommandFailed();
        if (keep) {
          printWhatToTry(io, run, result);
          await interrupted;
        }
        if (!result.ok) throw new CommandFailed();
      } finally {
        await run.clear();
      }
    });

/** The processes and the folder of one run of the demo. */
interface DemoRun {
  readonly folder: string;
  /** What the receiver accepted, by CDEvent id. */
  readonly received: Map<string, SinkResult>;
  readonly invalid: SinkResult[];
  startReceiver(port: number): Promise<{ readonly url: string; readonly process: DemoProcess }>;
  startController(): Promise<Addresses>;
  /** Ends every process and removes the folder. */
  clear(): Promise<void>;
  isCleared(): boolean;
}

function createDemoRun(folder: string): DemoRun {
  const processes: DemoProcess[] = [];
  let cleared = false;
  const received = new Map<string, SinkResult>();
  const invalid: SinkResult[] = [];
  const start = (args: readonly string[], onLine?: (line: string) => void) => {
    const started = startProcess(args, onLine);
    processes.push(started);
    return started;
  };
  return {
    folder,
    received,
    invalid,
    async startReceiver(port) {
      const process = start(['sink', '--json', '--port', String(port)], (line) => {
        const result = JSON.parse(line) as SinkResult;
        if (result.result === 'accepted') received.set(result.id, result);
        if (result.result === 'invalid') invalid.push(result);
      });
      const url = await process.line('stderr', (line) => /^listening on (\S+)/.exec(line)?.[1]);
      return { url, process };
    },
    startController() {
      const anyPort = ['events', 'metrics', 'health', 'ui'].flatMap((name) => [`--${name}-addr`, '127.0.0.1:0']);
      const directories = ['--config', join(folder, 'config'), '--data-dir', join(folder, 'data')];
      return start(['serve', ...directories, ...anyPort]).line('stderr', addressesIn);
    },
    isCleared: () => cleared,
    async clear() {
      cleared = true;
      await Promise.all(processes.map((process) => process.end()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The controller logs its addresses when it is ready. */
function addressesIn(line: string): Addresses | undefined {
  const entry = JSON.parse(line) as Partial<Addresses> & { readonly msg?: string };
  const { events, metrics, health, ui } = entry;
  return entry.msg === 'ready' && events && metrics && health && ui ? { events, metrics, health, ui } : undefined;
}

interface DemoResult {
  readonly ok: boolean;
  readonly addresses: Addresses;
  readonly receiver: string;
}

/** One event of the recorded rollout, and the CDEvents that it should become. */
interface RolloutEvent {
  readonly body: string;
  readonly event: FluxEvent;
  /** The ids of the CDEvents, computed here: ids follow from the event. */
  readonly ids: readonly string[];
  readonly skipped: string | undefined;
}

async function runDemo(io: Io, run: DemoRun, preset: PresetName): Promise<DemoResult> {
  const startedAt = io.now();
  const rollout = await readRollout(preset);
  const receiver = await run.startReceiver(0);
  await writeConfiguration(join(run.folder, 'config'), receiver.url, preset);
  const addresses = await run.startController();
  await waitForController(run, addresses.health);
  const client = await createControllerClient({ server: addresses.ui });
  const provider = preset === 'rfc' ? "the RFC's own Provider" : `the RFC's Provider, annotated preset: ${preset}`;
  print(io, `controller   ${addresses.events}  with ${provider}`);
  print(io, `receiver     ${receiver.url}  whose address the Secret generic-token holds`);

  const half = Math.ceil(rollout.length / 2);
  const [first, second] = [rollout.slice(0, half), rollout.slice(half)];
  await post(addresses.events, first);
  await until(run, 'the first CDEvents', () => first.every(({ ids }) => ids.every((id) => run.received.has(id))));
  step(io, `${counted(first.length, 'Flux event')} posted, ${counted(run.received.size, 'CDEvent')} received`);

  await receiver.process.kill();
  step(io, 'the receiver was killed');
  await post(addresses.events, second);
  await until(run, 'a failed attempt', async () => (await entriesOf(client)).some(isRetried));
  const [waiting] = (await entriesOf(client)).filter(isRetried);
  step(io, `${counted(second.length, 'Flux event')} more posted; retrying: ${waiting?.lastError}`);

  await run.startReceiver(Number(new URL(receiver.url).port));
  step(io, 'the receiver is back');
  await until(run, 'everything to be settled', async () => (await entriesOf(client)).every(isSettled));

  const entries = await entriesOf(client);
  print(io, '');
  printRollout(io, rollout, entries, run.received);
  const expected = rollout.flatMap(({ ids }) => ids);
  const lost = expected.filter((id) => !run.received.has(id)).length;
  const invalid = run.invalid.length + entries.filter(({ state }) => state === 'dead-letter').length;
  const ok = lost === 0 && invalid === 0 && entries.length === expected.length;
  const counts = [
    `posted ${rollout.length}`,
    `CDEvents ${entries.length}`,
    `delivered ${entries.filter(({ state }) => state === 'delivered').length}`,
    `attempts ${entries.reduce((sum, { attempts }) => sum + attempts, 0)}`,
    `lost ${lost}`,
    `invalid ${invalid}`,
  ].join(', ');
  const seconds = ((io.now() - startedAt) / 1000).toFixed(1);
  print(io, '');
  print(io, [paint(ok ? 'green' : 'red', counts), `, in ${seconds} s`]);
  return { ok, addresses, receiver: receiver.url };
}

const step = (io: Io, text: string): void => print(io, paint('dim', `· ${text}`));

async function readRollout(preset: PresetName): Promise<RolloutEvent[]> {
  const text = await readFile(join(DATA, 'rollout.jsonl'), 'utf8');
  const convert = createSequentialConverter({ specVersion: '0.4', preset, unmapped: 'skip', unchanged: 'skip' });
  return text
    .trimEnd()
    .split('\n')
    .map((body) => {
      const event = parseFluxEvent(body, 0);
      const { result } = convert(event);
      return { body, event, ids: result.cdevents.map(({ id }) => id), skipped: result.skipped };
    });
}

/**
 * Writes the RFC's Provider byte for byte, with one more annotation when another preset is requested. The Secret that
 * it names has the address of the receiver.
 */
async function writeConfiguration(folder: string, address: string, preset: PresetName): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of ['provider.yaml', 'alert.yaml']) await copyFile(join(DATA, file), join(folder, file));
  if (preset !== 'rfc') {
    const document = parseDocument(await readFile(join(DATA, 'provider.yaml'), 'utf8'));
    document.setIn(['metadata', 'annotations', `${OPTION_PREFIX}preset`], preset);
    await writeFile(join(folder, 'provider.yaml'), String(document));
  }
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'generic-token', namespace: 'flux-system' },
    stringData: { token: 'demo', address },
  };
  await writeFile(join(folder, 'secret.yaml'), stringify(secret), { mode: 0o600 });
}

const waitForController = (run: DemoRun, health: string): Promise<void> =>
  until(run, 'the controller', async () => (await fetch(`${health}/readyz`)).ok);

async function post(url: string, events: readonly RolloutEvent[]): Promise<void> {
  for (const { body, event } of events) {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body });
    if (response.status === 202) continue;
    throw new FluxCDEventsError('FCE_DEMO_FAILED', `${describeEvent(event)}: expected 202, found ${response.status}`);
  }
}

async function until(run: DemoRun, what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + WAIT_AT_MOST_MS; performance.now() < deadline; await sleep(POLL_MS)) {
    if (run.isCleared()) break;
    if (await check()) return;
  }
  throw new FluxCDEventsError('FCE_DEMO_FAILED', `gave up waiting for ${what} after ${WAIT_AT_MOST_MS / 1000} s`);
}

const entriesOf = async (client: ControllerClient): Promise<readonly Delivery[]> =>
  (await client.list({ limit: 500 })).entries;

const isRetried = ({ attempts, state }: Delivery): boolean => attempts > 0 && state === 'pending';

function printRollout(
  io: Io,
  rollout: readonly RolloutEvent[],
  entries: readonly Delivery[],
  received: ReadonlyMap<string, SinkResult>,
): void {
  const rows = rollout.flatMap(({ event, ids, skipped }): Cell[][] => {
    const object = `${event.involvedObject.kind} ${nameOf(event.involvedObject)}`;
    if (ids.length === 0) return [[object, event.reason, { text: `none: ${skipped}`, style: 'dim' }, '', '']];
    return ids.map((id): Cell[] => {
      const entry = entries.find((candidate) => candidate.id.startsWith(id));
      const delivered: Cell = received.has(id) ? { text: 'yes', style: 'green' } : { text: 'no', style: 'red' };
      return [object, event.reason, describeCDEvent(received.get(id), entry), delivered, String(entry?.attempts ?? 0)];
    });
  });
  printAligned(io, ['Flux event', 'reason', 'CDEvent', 'delivered', 'attempts'], rows);
}

/** `taskrun.finished success`. */
function describeCDEvent(result: SinkResult | undefined, entry: Delivery | undefined): string {
  const type = (entry?.type ?? '').split('.').slice(2, 4).join('.');
  const { event } = result?.result === 'accepted' ? result : { event: undefined };
  const { subject } = (event ?? {}) as { subject?: { content?: { outcome?: string } } };
  return [type, subject?.content?.outcome].filter(Boolean).join(' ');
}

function printWhatToTry(io: Io, { folder }: DemoRun, { addresses, receiver }: DemoResult): void {
  const { events, metrics, health, ui } = addresses;
  const command = process.env.npm_execpath ? 'npx flux-cdevents' : 'flux-cdevents';
  const lines = [
    '',
    'Still running, until Ctrl-C:',
    `  event endpoint  ${events}`,
    `  API             ${ui}/api/v1/openapi.json`,
    `  metrics         ${metrics}/metrics`,
    `  health          ${health}/readyz`,
    `  receiver        ${receiver}`,
    `  configuration   ${join(folder, 'config')} (change a file: the controller watches the folder)`,
    '',
    'Try:',
    `  ${command} deliveries list --server ${ui}`,
    `  ${command} send --provider ${PROVIDER} --reason UpgradeFailed --wait --server ${ui}`,
    `  ${command} deliveries replay --all --state delivered --server ${ui}`,
    `  curl -s ${metrics}/metrics | grep flux_cdevents_`,
  ];
  for (const line of lines) note(io, line);
}
