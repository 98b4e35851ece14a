import { type CloudEvent, checkExtensions, type Extensions, fromCloudEvent, toCloudEvent } from './cloudevents.ts';
import { CDEventsError } from './errors.ts';
import type { CDEvent } from './event.ts';
import { decodeHeaderValue, encodeHeaderValue } from './header-value.ts';
import { describeValue } from './issue.ts';

/**
 * How CloudEvents are sent over HTTP: `binary` puts the attributes into headers and the event into the body,
 * `structured` everything into the body, and `batched` several events into one body.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#13-content-modes
 */
export type ContentMode = 'binary' | 'structured' | 'batched';

/** Headers (names in lower case) and body of an HTTP request. */
export interface HttpMessage {
  headers: Record<string, string>;
  body: string;
}

/** Options of {@link toHttp}. */
export interface HttpOptions {
  /** @default 'binary' */
  mode?: ContentMode;
  /** The extensions of every event, or a function that returns those of one. */
  extensions?: Extensions | ((event: CDEvent) => Extensions);
}

/** Headers as a record (as in Node.js) or as pairs (as in `fetch`). Names may be in any case. */
export type IncomingHeaders =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

/** A received request. */
export interface IncomingHttpMessage {
  headers: IncomingHeaders;
  /** Text, UTF-8 bytes, or the value that a framework has already parsed from JSON. */
  body: unknown;
}

const JSON_TYPE = 'application/json';
const STRUCTURED_TYPE = 'application/cloudevents+json';
const BATCHED_TYPE = 'application/cloudevents-batch+json';

const extensionsOf = (event: CDEvent, { extensions = {} }: HttpOptions): Extensions =>
  typeof extensions === 'function' ? extensions(event) : extensions;

function onlyEvent(events: readonly CDEvent[], mode: ContentMode): CDEvent {
  const [event] = events;
  if (event && events.length === 1) return event;
  throw new CDEventsError('CDE_CONTENT_MODE', `Content mode ${mode} carries one event, not ${events.length}`);
}

function toBinary(event: CDEvent, options: HttpOptions): HttpMessage {
  const { context, subject } = event;
  const headers: Record<string, string> = {
    'content-type': JSON_TYPE,
    'ce-specversion': '1.0',
    'ce-id': encodeHeaderValue(context.id),
    'ce-source': encodeHeaderValue(context.source),
    'ce-type': encodeHeaderValue(context.type),
    'ce-subject': encodeHeaderValue(subject.id),
    'ce-time': encodeHeaderValue(context.timestamp),
  };
  for (const [name, value] of checkExtensions(extensionsOf(event, options))) {
    headers[`ce-${name}`] = encodeHeaderValue(String(value));
  }
  return { headers, body: JSON.stringify(event) };
}

/**
 * Builds headers and body of an HTTP request that carries one event, or any number of them in the mode `batched`.
 * @throws {CDEventsError} `CDE_CONTENT_MODE` when the mode cannot carry that many events, `CDE_INVALID_EXTENSION`
 * @see https://github.com/cdevents/spec/blob/v0.4.1/cloudevents-binding.md
 */
export function toHttp(events: CDEvent | readonly CDEvent[], options: HttpOptions = {}): HttpMessage {
  const { mode = 'binary' } = options;
  const list = Array.isArray(events) ? (events as readonly CDEvent[]) : [events as CDEvent];
  if (mode === 'binary') return toBinary(onlyEvent(list, mode), options);
  const envelope = (event: CDEvent): string => JSON.stringify(toCloudEvent(event, extensionsOf(event, options)));
  if (mode === 'structured') {
    return { headers: { 'content-type': STRUCTURED_TYPE }, body: envelope(onlyEvent(list, mode)) };
  }
  return { headers: { 'content-type': BATCHED_TYPE }, body: `[${list.map(envelope).join(',')}]` };
}

const refuse = (reason: string, cause?: unknown): CDEventsError =>
  new CDEventsError('CDE_INVALID_CLOUDEVENT', `Not a CloudEvent: ${reason}`, { cause });

function lowerCased(headers: IncomingHeaders): Map<string, string> {
  const pairs = Symbol.iterator in headers ? (headers as Iterable<readonly [string, string]>) : Object.entries(headers);
  const found = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (value !== undefined) found.set(name.toLowerCase(), typeof value === 'string' ? value : value.join(', '));
  }
  return found;
}

function readJson(body: unknown): unknown {
  let text = body;
  try {
    if (ArrayBuffer.isView(body)) text = new TextDecoder('utf-8', { fatal: true }).decode(body as Uint8Array);
    return typeof text === 'string' ? JSON.parse(text) : text;
  } catch (cause) {
    throw refuse('its body is not JSON', cause);
  }
}

function asCloudEvent(value: unknown): CloudEvent {
  if (typeof value !== 'object' || value === null) throw refuse(`expected an object, got ${describeValue(value)}`);
  const cloudEvent = value as CloudEvent;
  for (const name of ['specversion', 'id', 'source', 'type']) {
    const found = cloudEvent[name];
    if (typeof found !== 'string' || found === '') {
      throw refuse(`${name}: expected non-empty string, got ${describeValue(found)}`);
    }
  }
  if (cloudEvent.specversion !== '1.0') throw refuse(`specversion: expected "1.0", got "${cloudEvent.specversion}"`);
  const { data_base64: encoded, ...rest } = cloudEvent;
  if (encoded === undefined) return cloudEvent;
  if (typeof encoded !== 'string') throw refuse('data_base64: expected base64');
  return { ...rest, data: readJson(bytesOf(encoded)) } as CloudEvent;
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw refuse('data_base64: expected base64', cause);
  }
}

function fromBinary(headers: Map<string, string>, mediaType: string, body: unknown): CloudEvent {
  if (!headers.has('ce-specversion')) throw refuse('neither ce- headers nor a CloudEvents content type');
  if (mediaType !== '' && mediaType !== 'text/json' && !/^application\/(?:.+\+)?json$/.test(mediaType)) {
    throw refuse(`content-type: expected ${JSON_TYPE}, got ${mediaType}`);
  }
  const attributes: Record<string, unknown> = { datacontenttype: mediaType || JSON_TYPE };
  for (const [name, value] of headers) {
    if (name.startsWith('ce-')) attributes[name.slice(3)] = decodeHeaderValue(value);
  }
  return asCloudEvent({ ...attributes, data: readJson(body) });
}

/**
 * Reads the CloudEvents of an HTTP request in any content mode. Attributes and extensions are decoded, data is parsed but
 * not validated.
 * @throws {CDEventsError} `CDE_INVALID_CLOUDEVENT`
 */
export function cloudEventsFromHttp({ headers, body }: IncomingHttpMessage): CloudEvent[] {
  const lowered = lowerCased(headers);
  const mediaType = (lowered.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType === STRUCTURED_TYPE) return [asCloudEvent(readJson(body))];
  if (mediaType === BATCHED_TYPE) {
    const batch = readJson(body);
    if (!Array.isArray(batch)) throw refuse('a batch is a list');
    return batch.map(asCloudEvent);
  }
  if (mediaType.startsWith('application/cloudevents')) throw refuse(`no reader for ${mediaType}`);
  return [fromBinary(lowered, mediaType, body)];
}

/**
 * Reads the CDEvents of an HTTP request in any content mode.
 * @throws {CDEventsError} `CDE_INVALID_CLOUDEVENT`, and the errors of `parse`
 */
export const fromHttp = (message: IncomingHttpMessage): CDEvent[] => cloudEventsFromHttp(message).map(fromCloudEvent);
