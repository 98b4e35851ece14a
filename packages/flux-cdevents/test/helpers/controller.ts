import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { Addresses } from '../../src/app.ts';
import { serveDefaults } from './running-app.ts';

const BIN = join(import.meta.dirname, '../../bin/flux-cdevents.js');

/** The controller as a process of its own. */
export interface Controller {
  readonly process: ChildProcess;
  readonly addresses: Addresses;
  /** The log lines so far. */
  readonly log: readonly { readonly level: string; readonly ts: string; readonly msg: string }[];
  /** @returns the status of the answer; 0 when there is none */
  post(event: unknown): Promise<number>;
  /** @returns the status and the text of the answer; 0 when nobody listens */
  probe(path: 'healthz' | 'readyz'): Promise<{ readonly status: number; readonly body: string }>;
  /** Resolves with the exit code, or with the signal that ended the process. */
  readonly exited: Promise<number | string>;
}

/**
 * Runs `serve` on a folder with the given YAML. It ends with the test.
 * @param node flags of Node.js
 * @throws {Error} with the output when it ends before it is ready
 */
export async function startController(
  folder: string,
  yaml: string,
  { node = [], env = {} }: { readonly node?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Controller> {
  mkdirSync(join(folder, 'config'), { recursive: true });
  writeFileSync(join(folder, 'config', 'all.yaml'), yaml);
  const flags = Object.entries(serveDefaults(folder)).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    value,
  ]);
  const child = spawn(process.execPath, [...node, BIN, 'serve', ...flags], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'close').then(([code, signal]) => code ?? signal);
  const log: { level: string; ts: string; msg: string }[] = [];
  let other = '';
  const ready = Promise.withResolvers<Addresses>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      if (!line.startsWith('{')) other += `${line}\n`;
      else {
        const entry = JSON.parse(line);
        log.push(entry);
        if (entry.msg === 'ready') ready.resolve(entry);
      }
    });
  }
  void exited.then((code) => ready.reject(new Error(`ended with ${code}: ${other}${JSON.stringify(log)}`)));
  const addresses = await ready.promise;
  return {
    process: child,
    addresses,
    log,
    post: (event) =>
      fetch(addresses.events, { method: 'POST', body: JSON.stringify(event) }).then(
        ({ status }) => status,
        () => 0,
      ),
    probe: (path) =>
      fetch(`${addresses.health}/${path}`).then(
        async (answer) => ({ status: answer.status, body: await answer.text() }),
        () => ({ status: 0, body: '' }),
      ),
    exited,
  };
}
