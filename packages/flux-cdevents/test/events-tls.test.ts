import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, type CertificateAuthority, createAuthority } from './helpers/certificates.ts';
import { aFluxEvent } from './helpers/flux-events.ts';
import { type RunningApp, startApp } from './helpers/running-app.ts';

const id = (name: string) => `spiffe://cluster.local/ns/flux-system/sa/${name}`;

describe('the events address with mTLS, as between the controllers of Flux 2.10', () => {
  let authority: CertificateAuthority;
  let folder: string;
  let app: RunningApp;
  beforeAll(async () => {
    authority = await createAuthority();
    const { cert, key } = await authority.server();
    folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-mtls-'));
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    app = await startApp('', {
      eventsTlsCert: write('tls.crt', cert),
      eventsTlsKey: write('tls.key', key),
      eventsClientCa: write('ca.crt', authority.ca),
      eventsAuthorizedSpiffeId: `${id('helm-controller')},${id('source-controller')}`,
    });
  });
  afterAll(async () => {
    await app.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** @returns the status of the answer, or that there was none */
  async function post(client: Partial<Certificate>, path = '/'): Promise<number | 'no connection'> {
    const agent = new Agent({ connect: { ca: authority.ca, ...client } });
    try {
      const { port } = new URL(app.addresses.events);
      const { statusCode, body } = await agent.request({
        origin: `https://localhost:${port}`,
        path,
        method: 'POST',
        body: JSON.stringify(aFluxEvent()),
      });
      await body.dump();
      return statusCode;
    } catch {
      return 'no connection';
    } finally {
      await agent.close();
    }
  }

  it('is https', () => expect(app.addresses.events).toMatch(/^https:/));

  it.each<[string, number | 'no connection', () => Promise<Partial<Certificate>>]>([
    ['one that is listed', 202, () => authority.client('x', { uris: [id('helm-controller')] })],
    ['another that is listed', 202, () => authority.client('x', { uris: [id('source-controller')] })],
    ['one that is not', 401, () => authority.client('x', { uris: [id('somebody')] })],
    ['nobody', 'no connection', async () => ({})],
  ])('takes events from %s: %s', async (_, status, client) => expect(await post(await client())).toBe(status));

  it('asks for it at the webhook, too', async () => {
    const [helm, somebody] = [id('helm-controller'), id('somebody')];
    expect(await post(await authority.client('x', { uris: [helm] }), '/webhook/apps')).toBe(404);
    expect(await post(await authority.client('x', { uris: [somebody] }), '/webhook/apps')).toBe(401);
  });
});
