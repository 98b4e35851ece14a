import { fromHttp } from 'cdevents-sdk';
import { describe, expect, it } from 'vitest';
import { officialIsHere, officialJudge } from '../../cdevents-sdk/test/helpers/official.ts';
import type { FluxEvent } from '../src/flux/event.ts';
import { eventName } from './helpers/map-story.ts';
import { startReceiver } from './helpers/receiver.ts';
import {
  distinctBodies,
  RECORDED_TABLES,
  RECORDED_UNCHANGED,
  recordedBodies,
  recordingIsHere,
} from './helpers/recording.ts';
import { startApp } from './helpers/running-app.ts';

const isHere = recordingIsHere && officialIsHere;
if (!isHere) {
  // biome-ignore lint/suspicious/noConsole: a test that is skipped should say so
  console.warn('recorded: skipped, the recorded Flux events or the official schemas are not beside the repository');
}
const CDEVENTS = Object.values(RECORDED_TABLES.rfc).reduce((sum, count) => sum + count, 0);

function configFor(specVersion: string, address: string, unmapped: string): string {
  const sources = new Set(
    recordedBodies.map((line) => {
      const { kind, namespace } = (JSON.parse(line) as FluxEvent).involvedObject;
      return `    - {kind: ${kind}, namespace: ${namespace}, name: '*'}`;
    }),
  );
  return `apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata:
  name: hub
  namespace: flux-system
  annotations:
    cdevents.toolkit.fluxcd.io/spec-version: '${specVersion}'
    cdevents.toolkit.fluxcd.io/unmapped: ${unmapped}
spec: {type: cdevents, address: ${address}}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Alert
metadata: {name: all, namespace: flux-system}
spec:
  providerRef: {name: hub}
  eventSources:
${[...sources].join('\n')}
`;
}

async function run(specVersion: '0.3' | '0.4' | '0.5', unmapped: 'skip' | 'custom', count: number) {
  const receiver = await startReceiver();
  // The recording took five minutes and is posted in a second: what repeats in it is no duplicate.
  const app = await startApp(configFor(specVersion, receiver.url, unmapped), { rateLimitInterval: '0s' });
  const statuses = new Map<number, number>();
  for (const line of recordedBodies) {
    const status = await app.post(line);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  const requests = await receiver.received(count);
  await app.stop();
  await receiver.close();
  const cdevents = requests.flatMap(({ headers, body }) => fromHttp({ headers, body }));
  return { statuses: Object.fromEntries(statuses), cdevents };
}

const ids = ({ cdevents }: Awaited<ReturnType<typeof run>>) => cdevents.map(({ context }) => context.id).sort();

describe.skipIf(!isHere)('what real Flux controllers posted', () => {
  it.each(['0.3', '0.4', '0.5'] as const)('becomes valid CDEvents %s, the same ones each time', async (specVersion) => {
    const first = await run(specVersion, 'skip', CDEVENTS);
    const table: Record<string, number> = {};
    for (const cdevent of first.cdevents) {
      const { flux } = cdevent.customData as { flux: FluxEvent };
      const key = `${flux.involvedObject.kind} ${flux.reason} → ${eventName(cdevent)}`;
      table[key] = (table[key] ?? 0) + 1;
    }
    expect(table).toEqual(RECORDED_TABLES.rfc);

    const judge = officialJudge(specVersion);
    const invalid = first.cdevents.filter((cdevent) => !judge.accepts(cdevent.context.type, cdevent));
    expect(invalid).toEqual([]);

    expect(new Set(ids(first)).size).toBe(CDEVENTS);
    expect(ids(await run(specVersion, 'skip', CDEVENTS))).toEqual(ids(first));
  });

  it.each(['0.4', '0.5'] as const)('and valid custom events of everything else, in %s', async (specVersion) => {
    const judge = officialJudge(specVersion);
    const { statuses, cdevents } = await run(specVersion, 'custom', distinctBodies.length - RECORDED_UNCHANGED);
    const invalid = cdevents.filter(
      (cdevent) =>
        !judge.accepts(cdevent.context.type.startsWith('dev.cdeventsx.') ? 'custom' : cdevent.context.type, cdevent),
    );
    expect(invalid).toEqual([]);
    expect(statuses).toEqual({ 202: distinctBodies.length, 429: recordedBodies.length - distinctBodies.length });
    expect(new Set(cdevents.map(({ context }) => context.id)).size).toBe(cdevents.length);
  });
});
