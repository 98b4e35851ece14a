import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Addresses, createApp } from '../../src/app.ts';
import { silentLogger } from '../../src/observe/log.ts';
import { type RawOptions, resolveServeOptions } from '../../src/options/serve-options.ts';

export interface RunningApp {
  readonly addresses: Addresses;
  /** @returns the status of the answer */
  post(event: unknown): Promise<number>;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

/** The whole controller in this process, on a temporary folder with the given YAML. */
export async function startApp(yaml: string, flags: RawOptions = {}): Promise<RunningApp> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-app-'));
  mkdirSync(join(folder, 'config'));
  writeFileSync(join(folder, 'config', 'all.yaml'), yaml);
  const app = createApp(resolveServeOptions({ ...serveDefaults(folder), ...flags }), silentLogger());
  const addresses = await app.start();
  return {
    addresses,
    post: async (event) => {
      const body = typeof event === 'string' ? event : JSON.stringify(event);
      return (await fetch(addresses.events, { method: 'POST', body })).status;
    },
    async stop() {
      await app.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The flags of `serve` for a test: loopback, free ports, `config` and `data` in a folder. */
export const serveDefaults = (folder: string) => ({
  config: join(folder, 'config'),
  dataDir: join(folder, 'data'),
  eventsAddr: '127.0.0.1:0',
  metricsAddr: '127.0.0.1:0',
  healthAddr: '127.0.0.1:0',
  uiAddr: '127.0.0.1:0',
  rateLimitInterval: '5m',
  concurrent: '16',
  deliveredRetention: '24h',
  deliveredLimit: '1000',
  deadLetterRetention: '24h',
});
