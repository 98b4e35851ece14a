import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeApiServer, startFakeApiServer } from '../../test/helpers/fake-api-server.ts';
import { writeKubeconfig } from '../../test/helpers/kubeconfig.ts';
import { connectOnce } from './connect.ts';

let api: FakeApiServer;
let folder: string;
let kubeconfig: string;
beforeEach(async () => {
  api = await startFakeApiServer();
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-connect-'));
  kubeconfig = writeKubeconfig(folder, api.url);
});
afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

describe('a shared connection', () => {
  it('is one client, whoever asks for it and when', async () => {
    const connection = connectOnce({ kubeconfig });
    const [first, second] = await Promise.all([connection.connect(), connection.connect()]);
    expect(second).toBe(first);
    expect(await connection.connect()).toBe(first);
    expect((await first.request({ path: '/' })).status).toBe(404);
    await connection.close();
    await expect(first.request({ path: '/' })).rejects.toThrow();
  });

  it('can be closed when nothing connected, and when connecting failed', async () => {
    await connectOnce({}).close();
    const connection = connectOnce({ kubeconfig: join(folder, 'missing') });
    await expect(connection.connect()).rejects.toMatchObject({ code: 'FCE_CONFIG_INVALID' });
    await connection.close();
  });
});
