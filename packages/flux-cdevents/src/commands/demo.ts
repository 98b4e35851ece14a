import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { parseDocument, stringify } from 'yaml';
import { FluxCDEventsError } from '../errors.ts';
import { type FluxEvent, parseFluxEvent } from '../flux/event.ts';
import { nameOf } from '../flux/object-ref.ts';
import type { Delivery } from '../http/api-types.ts';
import { createConverter } from '../map/converter.ts';
import type { PresetName } from '../provider/provider.ts';
import { OPTION_PREFIX } from '../provider/provider-options.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { CommandFailed, createCommand, flag, helpWith } from './command.ts';
import { type DemoProcess, startProcess } from './demo-process.ts';
import { type Cell, counted, type Io, note, paint, print, printAligned } from './io.ts';
import type { Receipt } from './sink-server.ts';
import { untilSignal } from './until-signal.ts';

const DATA = join(import.meta.dirname, '../../demo');
const POLL_MS = 50;
/** Whatever the demo waits for has happened by then, or never will. */
const PATIENCE_MS = 30_000;
const PROVIDER = 'flux-system/cdevents-provider';

/** `demo`: the whole story on one machine. */
export const createDemoCommand = (io: Io): Command =>
  createCommand('demo', io)
    .summary('see the whole story on this machine in a few seconds')
    .description(
      "Runs a controller with the RFC's Provider and a receiver as processes of their own, posts a recorded rollout to " +
        'the event endpoint, kills the receiver half-way and starts it again, and shows what was delivered. Takes free ' +
        'ports and a temporary folder, and leaves nothing behind.',
    )
    .addOption(
      flag('--preset <name>', 'built-in mapping of the Provider', (option) =>
        option.choices(['rfc', 'service']).default('rfc'),
      ),
    )
    .addOption(flag('--keep', 'stay up afterwards, and say what to try'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents demo', 'exit code 1 when anything is lost or invalid'],
        ['flux-cdevents demo --preset service', 'services and incidents instead of the table of the RFC'],
        ['flux-cdevents demo --keep', 'look around until Ctrl-C'],
      ]),
    )
    .action(async ({ keep, preset }: { readonly keep?: true; readonly preset: PresetName }) => {
      const folder = await mkdtemp(join(tmpdir(), 'flux-cdevents-demo-'));
      const stage = createStage(folder);
      const interrupted = untilSignal();
      try {
        const played = await Promise.race([play(io, stage, preset), interrupted.then(() => undefined)]);
        if (!played) throw new CommandFailed();
        if (keep) {
          sayWhatToTry(io, stage, played);
          await interrupted;
        }
        if (!played.ok) throw new CommandFailed();
      } finally {
        await stage.clear();
      }
    });

interface Stage {
  readonly folder: string;
  /** By CDEvent id, as the receiver printed them. */
  readonly received: Map<string, Receipt>;
  readonly invalid: Receipt[];
  startReceiver(port: number): Promise<{ readonly url: string; readonly process: DemoProcess }>;
  startController(): Promise<Addresses>;
  /** Ends every process and removes the folder. */
  clear(): Promise<void>;
  isCleared(): boolean;
}

interface Addresses {
  readonly events: string;
  readonly metrics: string;
  readonly health: string;
  readonly ui: string;
}

/** Everything that has to be gone in the end. */
function createStage(folder: string): Stage {
  const processes: DemoProcess[] = [];
  let cleared = false;
  const received = new Map<string, Receipt>();
  const invalid: Receipt[] = [];
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
        const receipt = JSON.parse(line) as Receipt;
        if (receipt.result === 'accepted') received.set(receipt.id, receipt);
        if (receipt.result === 'invalid') invalid.push(receipt);
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

interface Played {
  readonly ok: boolean;
  readonly addresses: Addresses;
  readonly receiver: string;
}

/** One event of the rollout and what should come of it. */
interface Scene {
  readonly body: string;
  readonly event: FluxEvent;
  /** Worked out here, apart from the controller: ids follow from the event. */
  readonly ids: readonly string[];
  readonly skipped: string | undefined;
}

async function play(io: Io, stage: Stage, preset: PresetName): Promise<Played> {
  const startedAt = io.now();
  const scenes = await readScenes(preset);
  const receiver = await stage.startReceiver(0);
  await writeConfiguration(join(stage.folder, 'config'), receiver.url, preset);
  const addresses = await stage.startController();
  await readiness(stage, addresses.health);
  const client = await createApiClient({ server: addresses.ui });
  const provider =
    preset === 'rfc' ? 'the Provider as the RFC has it' : `the RFC's Provider, annotated preset: ${preset}`;
  print(io, `controller   ${addresses.events}  with ${provider}`);
  print(io, `receiver     ${receiver.url}  which the Secret generic-token names as the address`);

  const half = Math.ceil(scenes.length / 2);
  const [first, second] = [scenes.slice(0, half), scenes.slice(half)];
  await post(addresses.events, first);
  await until(stage, 'the first CDEvents', () => first.every(({ ids }) => ids.every((id) => stage.received.has(id))));
  step(io, `${counted(first.length, 'Flux event')} posted, ${counted(stage.received.size, 'CDEvent')} received`);

  await receiver.process.kill();
  step(io, 'the receiver was killed');
  await post(addresses.events, second);
  await until(stage, 'a failed attempt', async () => (await entriesOf(client)).some(isRetried));
  const [waiting] = (await entriesOf(client)).filter(isRetried);
  step(io, `${counted(second.length, 'Flux event')} more posted; retrying: ${waiting?.lastError}`);

  await stage.startReceiver(Number(new URL(receiver.url).port));
  step(io, 'the receiver is back');
  await until(stage, 'everything to be settled', async () => (await entriesOf(client)).every(isSettled));

  const entries = await entriesOf(client);
  print(io, '');
  printScenes(io, scenes, entries, stage.received);
  const expected = scenes.flatMap(({ ids }) => ids);
  const lost = expected.filter((id) => !stage.received.has(id)).length;
  const invalid = stage.invalid.length + entries.filter(({ state }) => state === 'dead-letter').length;
  const ok = lost === 0 && invalid === 0 && entries.length === expected.length;
  const counts = [
    `posted ${scenes.length}`,
    `CDEvents ${entries.length}`,
    `delivered ${entries.filter(({ state }) => state === 'delivered').length}`,
    `attempts ${entries.reduce((sum, { attempts }) => sum + attempts, 0)}`,
    `lost ${lost}`,
    `invalid ${invalid}`,
  ].join(', ');
  const seconds = ((io.now() - startedAt) / 1000).toFixed(1);
  print(io, `\n${paint(io.stdout, ok ? 'green' : 'red', counts)}, in ${seconds} s`);
  return { ok, addresses, receiver: receiver.url };
}

const step = (io: Io, text: string): void => print(io, paint(io.stdout, 'dim', `· ${text}`));

async function readScenes(preset: PresetName): Promise<Scene[]> {
  const text = await readFile(join(DATA, 'rollout.jsonl'), 'utf8');
  const convert = createConverter({ specVersion: '0.4', preset, unmapped: 'skip', unchanged: 'skip' });
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
 * The published Provider stays as it is, byte for byte, but for the preset, if another one is asked for: the Secret that
 * it names has the address of our receiver.
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

const readiness = (stage: Stage, health: string): Promise<void> =>
  until(stage, 'the controller', async () => (await fetch(`${health}/readyz`)).ok);

async function post(url: string, scenes: readonly Scene[]): Promise<void> {
  for (const { body, event } of scenes) {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body });
    if (response.status === 202) continue;
    const what = `${event.involvedObject.kind} ${nameOf(event.involvedObject)} ${event.reason}`;
    throw new FluxCDEventsError('FCE_DEMO_FAILED', `${what}: expected 202, found ${response.status}`);
  }
}

async function until(stage: Stage, what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await sleep(POLL_MS)) {
    if (stage.isCleared()) break;
    if (await check()) return;
  }
  throw new FluxCDEventsError('FCE_DEMO_FAILED', `waited ${PATIENCE_MS / 1000} s for ${what} in vain`);
}

const entriesOf = async (client: ApiClient): Promise<readonly Delivery[]> =>
  (await client.list({ limit: 500 })).entries;

const isRetried = ({ attempts, state }: Delivery): boolean => attempts > 0 && state === 'pending';
const isSettled = ({ state }: Delivery): boolean => state === 'delivered' || state === 'dead-letter';

function printScenes(
  io: Io,
  scenes: readonly Scene[],
  entries: readonly Delivery[],
  received: ReadonlyMap<string, Receipt>,
): void {
  const rows = scenes.flatMap(({ event, ids, skipped }): Cell[][] => {
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
function describeCDEvent(receipt: Receipt | undefined, entry: Delivery | undefined): string {
  const type = (entry?.type ?? '').split('.').slice(2, 4).join('.');
  const { event } = receipt?.result === 'accepted' ? receipt : { event: undefined };
  const { subject } = (event ?? {}) as { subject?: { content?: { outcome?: string } } };
  return [type, subject?.content?.outcome].filter(Boolean).join(' ');
}

function sayWhatToTry(io: Io, { folder }: Stage, { addresses, receiver }: Played): void {
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
    `  configuration   ${join(folder, 'config')} (change it: it is watched)`,
    '',
    'Try:',
    `  ${command} deliveries list --server ${ui}`,
    `  ${command} send --provider ${PROVIDER} --reason UpgradeFailed --wait --server ${ui}`,
    `  ${command} deliveries replay --all --state delivered --server ${ui}`,
    `  curl -s ${metrics}/metrics | grep flux_cdevents_`,
  ];
  for (const line of lines) note(io, line);
}
