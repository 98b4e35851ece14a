import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Addresses, type App, createApp } from '../src/app.ts';
import { silentLogger } from '../src/observe/log.ts';
import { type RawOptions, resolveServeOptions } from '../src/options/serve-options.ts';
import { type FakeApiServer, startFakeApiServer } from './helpers/fake-api-server.ts';
import { aFluxEvent } from './helpers/flux-events.ts';
import { writeKubeconfig } from './helpers/kubeconfig.ts';
import { serveNotification } from './helpers/notification-objects.ts';
import { serveDefaults } from './helpers/running-app.ts';

const SENDER = 'system:serviceaccount:flux-system:helm-controller';
const AUDIENCE = 'toolkit.fluxcd.io';

let api: FakeApiServer;
let folder: string;
let app: App | undefined;

beforeEach(async () => {
  api = await startFakeApiServer();
  serveNotification(api);
  api.review = () => ({ authenticated: true, user: { username: SENDER }, audiences: [AUDIENCE] });
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-app-'));
});
afterEach(async () => {
  await app?.stop();
  app = undefined;
  await api.close();
  rmSync(folder, { recursive: true });
});

async function start(flags: RawOptions): Promise<Addresses> {
  const { config: _, ...defaults } = serveDefaults(folder);
  const options = { ...defaults, kubeconfig: writeKubeconfig(folder, api.url), eventsAuth: 'token-review', ...flags };
  app = createApp(resolveServeOptions(options), silentLogger());
  return app.start();
}

/** A token of the sender that no other request has: each needs a review of its own. */
function aToken(id: number): string {
  const claims = Buffer.from(JSON.stringify({ sub: SENDER, aud: AUDIENCE, jti: id })).toString('base64url');
  return `header.${claims}.signature`;
}

it('watches and reviews tokens within one rate limit', async () => {
  const qps = 5;
  const burst = 12;
  const { events } = await start({ kubeApiQps: String(qps), kubeApiBurst: String(burst) });
  const post = async (_: unknown, index: number) => {
    const headers = { authorization: `Bearer ${aToken(index)}` };
    const answer = await fetch(events, { method: 'POST', headers, body: JSON.stringify(aFluxEvent()) });
    return answer.status;
  };
  const statuses = await Promise.all(Array.from({ length: 12 }, post));
  expect(statuses.every((status) => status < 300)).toBe(true);
  expect(api.to('/tokenreviews')).toHaveLength(12);
  expect(api.to('/alerts').length).toBeGreaterThan(0);
  const begun = api.requests[0]?.at ?? 0;
  // No request came before the limit allowed it, whichever part of the process sent it. The first one opens a connection
  // and may arrive late, by which the others seem early: on a busy machine, by more than the interval of one request.
  api.requests.forEach(({ at }, index) => {
    expect(index + 1).toBeLessThanOrEqual(burst + (qps * (at - begun)) / 1000 + 2);
  });
});
