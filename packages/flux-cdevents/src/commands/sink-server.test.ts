import { type CDEvent, type ContentMode, createEvent, toHttp } from 'cdevents-sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { createSinkServer, type Sink, type SinkOptions, type SinkResult } from './sink-server.ts';

let sink: Sink;
let results: SinkResult[];
let url: string;

const start = async (options: Partial<SinkOptions> = {}) => {
  results = [];
  sink = createSinkServer({ random: () => 0.5, onResult: (result) => results.push(result), ...options });
  url = await sink.server.listen({ host: '127.0.0.1', port: 0 });
};
afterEach(() => sink.server.close());

const anEvent = (id: string): CDEvent =>
  createEvent('service.deployed', {
    context: { id, source: '/flux/helm-controller', timestamp: '2026-11-24T07:48:28Z' },
    subject: { id: 'apps/podinfo', content: { environment: { id: 'apps' }, artifactId: 'pkg:helm/podinfo@6.5.0' } },
  });
const send = async (events: CDEvent | CDEvent[], mode: ContentMode = 'binary') => {
  const { headers, body } = toHttp(events, { mode });
  return fetch(url, { method: 'POST', headers, body });
};

describe('a sink', () => {
  it.each([
    ['binary', 1],
    ['structured', 1],
    ['batched', 3],
  ] as const)('takes CDEvents in mode %s', async (mode, count) => {
    await start();
    const events = Array.from({ length: count }, (_, index) => anEvent(`id-${index}`));
    const response = await send(mode === 'batched' ? events : (events[0] as CDEvent), mode);
    expect(response.status).toBe(202);
    expect(results.map((receipt) => [receipt.result, receipt.id])).toEqual(
      events.map(({ context }) => ['accepted', context.id]),
    );
    expect(results[0]).toMatchObject({
      type: 'dev.cdevents.service.deployed.0.2.0',
      subject: 'apps/podinfo',
      source: '/flux/helm-controller',
      duplicate: false,
    });
  });

  it('recognises what came before', async () => {
    await start();
    for (const id of ['a', 'b', 'a']) await send(anEvent(id));
    expect(results.map((receipt) => 'duplicate' in receipt && receipt.duplicate)).toEqual([false, false, true]);
    expect(sink.counts()).toEqual({ accepted: 3, distinct: 2, refused: 0, invalid: 0 });
  });

  it('answers an invalid CDEvent with what is wrong', async () => {
    await start();
    const { headers, body } = toHttp(anEvent('a'));
    const response = await fetch(url, { method: 'POST', headers, body: body.replace('"apps/podinfo"', '""') });
    expect(response.status).toBe(400);
    const { issues } = (await response.json()) as { issues: string[] };
    expect(issues.join()).toContain('subject.id: expected non-empty string');
    expect(results).toMatchObject([{ result: 'invalid', id: 'a', issues }]);
  });

  it('finds headers that contradict the event, and a bad one in a batch', async () => {
    await start();
    const { headers, body } = toHttp(anEvent('a'));
    expect((await fetch(url, { method: 'POST', headers: { ...headers, 'ce-id': 'z' }, body })).status).toBe(400);
    const batch = toHttp([anEvent('b'), anEvent('c')], { mode: 'batched' });
    const spoilt = batch.body.replaceAll('"id":"c"', '"id":""');
    expect((await fetch(url, { method: 'POST', headers: batch.headers, body: spoilt })).status).toBe(400);
    expect(sink.counts()).toMatchObject({ accepted: 0, invalid: 2 });
  });

  it.each([
    ['{"reason":"InstallSucceeded"}', { 'content-type': 'application/json' }],
    ['not json', { 'content-type': 'application/cloudevents+json' }],
    ['', {}],
  ])('refuses what is no CloudEvent: %s', async (body, headers) => {
    await start();
    expect((await fetch(url, { method: 'POST', headers: headers as Record<string, string>, body })).status).toBe(400);
    expect(results).toMatchObject([{ result: 'invalid', issues: [expect.stringContaining('CloudEvent')] }]);
  });

  it('takes nothing but POST', async () => {
    await start();
    expect((await fetch(url)).status).toBe(405);
  });
});

describe('a bad receiver', () => {
  it('refuses its share, and takes what comes again', async () => {
    const draws = [0.1, 0.9];
    await start({ failRate: 0.3, random: () => draws.shift() ?? 1 });
    expect([(await send(anEvent('a'))).status, (await send(anEvent('a'))).status]).toEqual([503, 202]);
    expect(results).toMatchObject([
      { result: 'refused', status: 503, duplicate: false },
      { result: 'accepted', status: 202, duplicate: false },
    ]);
  });

  it('answers always with the status it is given', async () => {
    await start({ status: 429 });
    expect((await send(anEvent('a'))).status).toBe(429);
    expect(sink.counts()).toEqual({ accepted: 0, distinct: 0, refused: 1, invalid: 0 });
  });

  it('may take it with another status', async () => {
    await start({ status: 200 });
    expect((await send(anEvent('a'))).status).toBe(200);
    expect(sink.counts()).toMatchObject({ accepted: 1, refused: 0 });
  });

  it('waits before it answers', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await start({ delay: () => held });
    const answer = send(anEvent('a'));
    expect(results).toEqual([]);
    release();
    expect((await answer).status).toBe(202);
  });
});
