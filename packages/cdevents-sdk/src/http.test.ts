import { describe, expect, it } from 'vitest';
import { aCDEvent } from '../test/helpers/samples.ts';
import { validateCloudEvent } from './cloudevents.ts';
import { createEvent } from './create-event.ts';
import { cloudEventsFromHttp, fromHttp, toHttp } from './http.ts';

const event = createEvent('service.deployed', {
  context: { source: '/flux', id: 'id-1', timestamp: '2024-05-06T07:08:09.101112Z' },
  subject: { id: 'apps/pödinfo 100%', content: { environment: { id: 'prod' }, artifactId: 'pkg:helm/podinfo@6.0.0' } },
});
const body = JSON.stringify(event);

describe('toHttp', () => {
  it('puts the attributes in headers and the whole event in the body', () => {
    expect(toHttp(event, { extensions: { partitionkey: 'uid-1', sampledrate: 3, traceparent: undefined } })).toEqual({
      headers: {
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-id': 'id-1',
        'ce-source': '/flux',
        'ce-type': 'dev.cdevents.service.deployed.0.2.0',
        'ce-subject': 'apps/p%C3%B6dinfo%20100%25',
        'ce-time': '2024-05-06T07:08:09.101112Z',
        'ce-partitionkey': 'uid-1',
        'ce-sampledrate': '3',
      },
      body,
    });
  });

  it('puts everything in the body when structured', () => {
    const message = toHttp([event], { mode: 'structured', extensions: { partitionkey: 'uid-1' } });
    expect(message.headers).toEqual({ 'content-type': 'application/cloudevents+json' });
    expect(JSON.parse(message.body)).toEqual({
      specversion: '1.0',
      id: 'id-1',
      source: '/flux',
      type: 'dev.cdevents.service.deployed.0.2.0',
      subject: 'apps/pödinfo 100%',
      time: '2024-05-06T07:08:09.101112Z',
      datacontenttype: 'application/json',
      partitionkey: 'uid-1',
      data: event,
    });
  });

  it('carries many in a batch, each with extensions of its own', () => {
    const events = [event, aCDEvent('build.started', '0.5')];
    const message = toHttp(events, { mode: 'batched', extensions: ({ subject }) => ({ partitionkey: subject.id }) });
    expect(message.headers).toEqual({ 'content-type': 'application/cloudevents-batch+json' });
    expect(fromHttp(message)).toEqual(events);
    expect(cloudEventsFromHttp(message).map(({ partitionkey }) => partitionkey)).toEqual([
      'apps/pödinfo 100%',
      'apps/podinfo',
    ]);
    expect(fromHttp(toHttp([], { mode: 'batched' }))).toEqual([]);
  });

  it.each(['binary', 'structured'] as const)('carries one event when %s', (mode) => {
    expect(() => toHttp([event, event], { mode })).toThrow(`Content mode ${mode} carries one event, not 2`);
    expect(() => toHttp([], { mode })).toThrow(`Content mode ${mode} carries one event, not 0`);
  });

  it.each([
    ['PartitionKey', 'a'],
    ['trace-parent', 'a'],
    ['', 'a'],
    ['subject', 'a'],
    ['data', 'a'],
    ['rate', 0.5],
    ['rate', 2 ** 31],
    ['empty', ''],
  ])('refuses the extension %j with value %j', (name, value) => {
    for (const mode of ['binary', 'structured', 'batched'] as const) {
      expect(() => toHttp(event, { mode, extensions: { [name]: value } })).toThrow('Invalid CloudEvents extension');
    }
  });
});

describe('fromHttp', () => {
  const { headers } = toHttp(event, { extensions: { partitionkey: 'ü 1' } });

  it.each([
    ['a record', headers],
    ['a record as Node gives it', Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))],
    [
      'names in capitals',
      Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value])),
    ],
    ['Headers', new Headers(headers)],
    ['a Map', new Map(Object.entries(headers))],
    ['no content type', { ...headers, 'content-type': undefined }],
    ['a content type with parameters', { ...headers, 'content-type': 'application/json; charset=utf-8' }],
    ['another JSON type', { ...headers, 'content-type': 'application/vnd.cdevents+json' }],
  ])('takes headers as %s', (_, given) => {
    expect(fromHttp({ headers: given, body })).toEqual([event]);
    const [cloudEvent] = cloudEventsFromHttp({ headers: given, body });
    expect(cloudEvent).toMatchObject({
      subject: 'apps/pödinfo 100%',
      partitionkey: 'ü 1',
      time: event.context.timestamp,
    });
  });

  it('takes a body as text, as bytes or as parsed', () => {
    for (const given of [body, new TextEncoder().encode(body), JSON.parse(body) as unknown]) {
      expect(fromHttp({ headers, body: given })).toEqual([event]);
    }
  });

  it('takes data that a structured event carries as base64', () => {
    const { data, ...rest } = JSON.parse(toHttp(event, { mode: 'structured' }).body) as Record<string, unknown>;
    const encoded = Buffer.from(JSON.stringify(data)).toString('base64');
    const message = {
      headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8' },
      body: JSON.stringify({ ...rest, data_base64: encoded }),
    };
    expect(fromHttp(message)).toEqual([event]);
  });

  const structured = { 'content-type': 'application/cloudevents+json' };
  it.each([
    ['no trace of a CloudEvent', { 'content-type': 'application/json' }, body, 'neither ce- headers nor'],
    ['a body that is not JSON', headers, 'token=secret', 'its body is not JSON'],
    ['a body that is not UTF-8', headers, new Uint8Array([0xff]), 'its body is not JSON'],
    ['a type of content that is not JSON', { ...headers, 'content-type': 'text/plain' }, body, 'content-type'],
    ['another version', { ...headers, 'ce-specversion': '0.3' }, body, 'specversion: expected "1.0", got "0.3"'],
    ['no id', { ...headers, 'ce-id': undefined }, body, 'id: expected non-empty string, got nothing'],
    ['a header that is not UTF-8', { ...headers, 'ce-subject': '%ff' }, body, 'not as UTF-8'],
    ['another format', { 'content-type': 'application/cloudevents+avro' }, body, 'no reader for'],
    ['a list that is not batched', structured, '[]', 'specversion: expected'],
    ['a batch that is no list', { 'content-type': 'application/cloudevents-batch+json' }, '{}', 'a batch is a list'],
    ['nothing', structured, 'null', 'expected an object, got null'],
    [
      'bad base64',
      structured,
      { specversion: '1.0', id: '1', source: '/', type: 't', data_base64: '?' },
      'data_base64',
    ],
  ])('refuses %s', (_, given, content, reason) => {
    expect(() => fromHttp({ headers: given, body: content })).toThrow(reason);
    expect(() => fromHttp({ headers: given, body: content })).toThrow(
      expect.objectContaining({ code: 'CDE_INVALID_CLOUDEVENT' }) as Error,
    );
  });

  it('refuses a CloudEvent without a CDEvent in it', () => {
    expect(() => fromHttp({ headers, body: '{}' })).toThrow('Invalid CDEvent: context: expected object, got nothing');
  });
});

describe('validateCloudEvent', () => {
  it('compares the attributes with the event', () => {
    const [cloudEvent] = cloudEventsFromHttp(toHttp(event, { mode: 'structured' }));
    if (!cloudEvent) throw new Error('no CloudEvent');
    expect(validateCloudEvent(cloudEvent)).toEqual([]);
    expect(validateCloudEvent({ ...cloudEvent, id: 'other', subject: '' })).toMatchObject([
      { path: 'id', message: 'id: expected "id-1" as in the event, got "other"' },
      { path: 'subject' },
    ]);
    expect(validateCloudEvent({ ...cloudEvent, data: {} })).toMatchObject([{ path: 'context' }]);
  });
});
