import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CDEvent, fromHttp } from 'cdevents-sdk';
import { describe, expect, it } from 'vitest';
import type { FluxEvent } from '../src/flux/event.ts';
import { startReceiver } from './helpers/receiver.ts';
import { startApp } from './helpers/running-app.ts';

interface Recorded {
  readonly path: '/generic' | '/hmac';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a real notification-controller sent on, and what it had got; recorded, it lies beside the repository. */
const folder = new URL('../../../../shared/data/flux-events/', import.meta.url);
const read = <T>(name: string): T[] => {
  const file = fileURLToPath(new URL(name, folder));
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as T)
    : [];
};
const requests = read<Recorded>('webhook-requests.jsonl');
const events = read<FluxEvent>('events.jsonl');
const isHere = requests.length > 0 && events.length > 0;
if (!isHere) {
  // biome-ignore lint/suspicious/noConsole: a test that is skipped should say so
  console.warn(
    'recorded webhook: skipped, the recorded Flux events or the official schemas are not beside the repository',
  );
}

const HMAC_KEY = 's3cr3t-hmac-key';
const providersOf = { '/generic': 'generic', '/hmac': 'hmac' } as const;

/** The Providers and Alerts of the recording, with the annotations that make CDEvents of them. */
const webhookConfig = (hub: string) => `apiVersion: v1
kind: Secret
metadata: {name: key, namespace: apps}
stringData: {token: ${HMAC_KEY}}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata:
  name: hmac
  namespace: apps
  annotations: {cdevents.toolkit.fluxcd.io/address: '${hub}/hmac', cdevents.toolkit.fluxcd.io/unmapped: custom}
spec: {type: generic-hmac, address: 'http://localhost/webhook/apps/hmac', secretRef: {name: key}}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata:
  name: generic
  namespace: apps
  annotations:
    cdevents.toolkit.fluxcd.io/address: '${hub}/generic'
    cdevents.toolkit.fluxcd.io/unmapped: custom
    cdevents.toolkit.fluxcd.io/webhook-auth: none
spec: {type: generic, address: 'http://localhost/webhook/apps/generic'}
`;

/** The same two as Providers of type cdevents, each with an Alert that selects what it got. */
function endpointConfig(hub: string): string {
  const documents = (['/generic', '/hmac'] as const).map((path) => {
    const name = providersOf[path];
    const sources = new Set(
      requests
        .filter((request) => request.path === path)
        .map(({ body }) => {
          const { kind, namespace } = (JSON.parse(body) as FluxEvent).involvedObject;
          return `    - {kind: ${kind}, namespace: ${namespace}, name: '*'}`;
        }),
    );
    return `apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata: {name: ${name}, namespace: apps, annotations: {cdevents.toolkit.fluxcd.io/unmapped: custom}}
spec: {type: cdevents, address: '${hub}${path}'}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Alert
metadata: {name: ${name}, namespace: apps}
spec:
  providerRef: {name: ${name}}
  ${path === '/generic' ? 'eventMetadata: {cluster: staging-1}' : ''}
  eventSources:
${[...sources].join('\n')}
`;
  });
  return documents.join('---\n');
}

const keyOf = ({ involvedObject, reason, message, timestamp }: FluxEvent) =>
  JSON.stringify([involvedObject.uid, involvedObject.name, reason, message, timestamp]);
const fluxOf = ({ customData, subject }: CDEvent) =>
  ((customData as { flux?: FluxEvent } | undefined)?.flux ?? subject.content) as FluxEvent;

/** What one configuration makes of some requests: CDEvents by the receiver's path and the event they came from. */
async function run(
  config: (hub: string) => string,
  posts: readonly { readonly url: string; readonly body: string; readonly headers: Readonly<Record<string, string>> }[],
) {
  const receiver = await startReceiver();
  const app = await startApp(config(receiver.url), { rateLimitInterval: '0s' });
  const statuses: number[] = [];
  for (const { url, body, headers } of posts) {
    const answer = await fetch(new URL(url, app.addresses.events), { method: 'POST', body, headers });
    statuses.push(answer.status);
  }
  const { providers } = (await (await fetch(`${app.addresses.ui}/api/v1/providers`)).json()) as {
    providers: { counts: Record<string, number> }[];
  };
  const count = providers.reduce((sum, { counts }) => sum + Object.values(counts).reduce((a, b) => a + b), 0);
  const received = await receiver.received(count);
  await app.stop();
  await receiver.close();
  const cdevents = new Map<string, CDEvent>();
  for (const { path, headers, body } of received) {
    const [cdevent] = fromHttp({ headers, body });
    if (cdevent) cdevents.set(`${path} ${keyOf(fluxOf(cdevent))} ${cdevent.context.type}`, cdevent);
  }
  return { statuses, cdevents };
}

/** Without what follows from the token that a notification-controller withholds: ids, and what points at them. */
function comparable(cdevent: CDEvent): unknown {
  const { id, chainId, links, ...context } = cdevent.context as CDEvent['context'] & Record<string, unknown>;
  const isIncident = context.type.startsWith('dev.cdevents.incident.');
  const subject = isIncident
    ? { ...cdevent.subject, id: cdevent.subject.id.replace(/[0-9a-f]{8}$/, '') }
    : cdevent.subject;
  const shape = { hasChain: chainId !== undefined, links: Array.isArray(links) ? links.length : 0 };
  return { ...cdevent, context: { ...context, ...shape }, subject };
}

describe.skipIf(!isHere)('what a real notification-controller sent on', () => {
  it('verifies, and becomes the CDEvents that its originals become, but for ids that need the token', async () => {
    const webhook = await run(
      webhookConfig,
      requests.map(({ path, body, headers: { 'content-type': type = '', ...rest } }) => ({
        url: `/webhook/apps/${providersOf[path]}`,
        body,
        headers: { 'content-type': type, ...(rest['x-signature'] && { 'x-signature': rest['x-signature'] }) },
      })),
    );
    expect(webhook.statuses).toEqual(requests.map(() => 202));

    // Only what was sent on can be compared.
    const sentOn = new Set(requests.map(({ body }) => keyOf(JSON.parse(body) as FluxEvent)));
    const originals = events.filter((event) => sentOn.has(keyOf(event)));
    const endpoint = await run(
      endpointConfig,
      originals.map((event) => ({ url: '/', body: JSON.stringify(event), headers: {} })),
    );
    expect([...webhook.cdevents.keys()].sort()).toEqual([...endpoint.cdevents.keys()].sort());
    for (const [key, cdevent] of webhook.cdevents) {
      const original = endpoint.cdevents.get(key);
      if (!original) throw new Error(`nothing at the event endpoint for ${key}`);
      expect(comparable(cdevent)).toEqual(comparable(original));
      // only helm-controller has a token; the ids of everything else are the same
      if (fluxOf(cdevent).involvedObject.kind !== 'HelmRelease') expect(cdevent).toEqual(original);
    }
  });

  it('is refused when a byte of it changes', async () => {
    const signed = requests.filter(({ path }) => path === '/hmac');
    const { statuses, cdevents } = await run(
      webhookConfig,
      signed.map(({ body, headers }, index) => {
        const bytes = Buffer.from(body);
        const at = (index * 97) % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        return {
          url: '/webhook/apps/hmac',
          body: bytes.toString('latin1'),
          headers: { 'x-signature': headers['x-signature'] ?? '' },
        };
      }),
    );
    expect(statuses).toEqual(signed.map(() => 401));
    expect(cdevents.size).toBe(0);
  });
});
