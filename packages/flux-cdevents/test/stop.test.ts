import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createApp } from '../src/app.ts';
import { silentLogger } from '../src/observe/log.ts';
import { resolveServeOptions } from '../src/options/serve-options.ts';
import { writeKubeconfig } from './helpers/kubeconfig.ts';
import { serveDefaults } from './helpers/running-app.ts';

const BIN = join(import.meta.dirname, '../bin/flux-cdevents.js');

let folder: string;
let healthPort: number;
const servers: Server[] = [];

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((closed) => server.close(closed));
  return port;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-stop-'));
  mkdirSync(join(folder, 'config'));
  healthPort = await freePort();
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))));
  rmSync(folder, { recursive: true, force: true });
});

const options = () => resolveServeOptions({ ...serveDefaults(folder), healthAddr: `127.0.0.1:${healthPort}` });
const readiness = () => fetch(`http://127.0.0.1:${healthPort}/readyz`);

describe('a stop during the start', () => {
  // Each turn of the event loop is another place in the start: the store, the servers, the configuration.
  it.each([0, 1, 10, 100, 1_000, 10_000, 100_000])(
    'after %d turns of the event loop leaves nothing open',
    async (turns) => {
      const app = createApp(options(), silentLogger());
      const outcome = app.start().then(
        () => 'ready',
        (error: { code?: string }) => error.code,
      );
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      await app.stop();
      expect(['ready', 'FCE_STOPPED']).toContain(await outcome);
      await expect(readiness()).rejects.toThrow('fetch failed');

      const next = createApp(options(), silentLogger());
      await next.start(); // the store is free, and so is the address
      expect((await readiness()).status).toBe(200);
      await next.stop();
    },
  );

  it('ends the start', async () => {
    const app = createApp(options(), silentLogger());
    const start = app.start();
    await app.stop();
    await expect(start).rejects.toMatchObject({ code: 'FCE_STOPPED' });
  });

  it('by SIGTERM while the API server does not answer ends the process with exit code 0', async () => {
    const asked = Promise.withResolvers<void>();
    const port = await listen(
      createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => asked.resolve()); // and no answer
      }),
    );
    const kubeconfig = writeKubeconfig(folder, `http://127.0.0.1:${port}`);
    const addresses = ['events', 'metrics', 'ui'].flatMap((name) => [`--${name}-addr`, '127.0.0.1:0']);
    const child = spawn(
      process.execPath,
      [BIN, 'serve', '--kubernetes', '--kubeconfig', kubeconfig, '--data-dir', join(folder, 'data')].concat(
        ['--health-addr', `127.0.0.1:${healthPort}`],
        addresses,
      ),
      { env: { PATH: process.env.PATH } },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    await asked.promise;
    expect((await readiness()).status).toBe(503);
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    expect([code, (await output).join('')]).toEqual([0, expect.stringContaining('stopping')]);
    await expect(readiness()).rejects.toThrow('fetch failed');
  });
});
