import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Probe } from './loop-probe.ts';

/** The key of the webhook's Provider. */
export const WEBHOOK_KEY = 'a key that only the test knows';
/** The path of its webhook. */
export const WEBHOOK_PATH = '/webhook/flux-system/signed';

/** `flux-cdevents serve` as a process of its own, with everything that can be posted to. */
export interface ServerUnderTest {
  readonly ports: Readonly<Record<'events' | 'ui', number>>;
  probe(): Promise<Probe>;
  /** Whether the process still runs. */
  readonly alive: boolean;
  /** The last lines that are not about a refused request. */
  readonly unexpected: readonly string[];
  stop(): Promise<void>;
}

const EXPECTED_LINES = [
  'event refused',
  'webhook request refused',
  'metadata key conflict: the last source of each key wins',
  'dead letter',
];

export async function startServer(): Promise<ServerUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-fuzz-'));
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(202).end());
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  mkdirSync(join(folder, 'config'));
  const { port } = receiver.address() as AddressInfo;
  writeFileSync(join(folder, 'config', 'all.yaml'), configuration(`http://127.0.0.1:${port}/`));

  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FLUX_CDEVENTS_')));
  const flags = ['events', 'metrics', 'health', 'ui'].map((name) => `--${name}-addr=127.0.0.1:0`);
  const child = spawn(
    process.execPath,
    [
      ...[
        '--import',
        join(import.meta.dirname, 'loop-probe.ts'),
        join(import.meta.dirname, '../../bin/flux-cdevents.js'),
      ],
      ...[
        'serve',
        `--config=${join(folder, 'config')}`,
        `--data-dir=${join(folder, 'data')}`,
        '--delivered-limit=1000',
      ],
      ...flags,
    ],
    { stdio: ['ignore', 'inherit', 'pipe', 'ipc'], env },
  );
  const exited = once(child, 'exit');
  const unexpected: string[] = [];
  const ready = Promise.withResolvers<Record<'events' | 'ui', string>>();
  const { stderr } = child;
  if (!stderr) throw new Error('standard error is piped');
  createInterface({ input: stderr }).on('line', (line) => {
    const { msg, ...fields } = parsedLine(line);
    if (msg === 'ready') ready.resolve(fields as Record<'events' | 'ui', string>);
    if (fields.level !== 'info' && !EXPECTED_LINES.includes(String(msg))) unexpected.push(line.slice(0, 1_000));
  });
  void exited.then(() => ready.reject(new Error(`the server ended:\n${unexpected.join('\n')}`)));
  const { events, ui } = await ready.promise;
  return {
    ports: { events: Number(new URL(events).port), ui: Number(new URL(ui).port) },
    async probe() {
      const answer = once(child, 'message');
      child.send('probe');
      const [probe] = await Promise.race([answer, exited.then(() => [{ heldMs: 0, rssBytes: 0 }])]);
      return probe as Probe;
    },
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    unexpected,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      receiver.closeAllConnections();
      receiver.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function parsedLine(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    return { level: 'not JSON' };
  }
}

const configuration = (address: string) => `
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: hub, namespace: flux-system, annotations: {cdevents.toolkit.fluxcd.io/preset: service}}
spec: {type: cdevents, address: "${address}"}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: all, namespace: flux-system}
spec:
  providerRef: {name: hub}
  eventSources:
    - {kind: HelmRelease, name: "*", namespace: apps}
    - {kind: Kustomization, name: "*", namespace: flux-system}
  exclusionList: ["^never.*matches$", "(?i)dependenc(y|ies) .* not ready"]
  eventMetadata: {env: fuzz}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: flux-system}
stringData: {token: "${WEBHOOK_KEY}"}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: signed, namespace: flux-system, annotations: {cdevents.toolkit.fluxcd.io/address: "${address}"}}
spec: {type: generic-hmac, address: "http://flux-cdevents/webhook/flux-system/signed", secretRef: {name: key}}
`;
