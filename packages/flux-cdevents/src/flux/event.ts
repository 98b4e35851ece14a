import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { IsDateTime } from 'typebox/format';
import { Value } from 'typebox/value';
import { describeField, describeFound } from '../diagnostics/describe.ts';
import { formatPath } from '../diagnostics/format.ts';
import { FluxCDEventsError } from '../errors.ts';
import { parsePointer } from '../lib/json-pointer.ts';
import { hasMoreValues } from '../lib/json-values.ts';
import type { InvolvedObject } from './object-ref.ts';

/**
 * An event as the Flux controllers post it: v1beta1 (Flux up to 2.9) and v1 (Flux 2.10: `action`, `relatedObject`).
 * @see https://pkg.go.dev/github.com/fluxcd/pkg/apis/event
 */
export interface FluxEvent {
  readonly involvedObject: InvolvedObject;
  /** `info` or `error`. */
  readonly severity: string;
  /** RFC 3339, whole seconds as Flux sends it. */
  readonly timestamp: string;
  readonly message: string;
  /** CamelCase: `InstallSucceeded`. */
  readonly reason: string;
  /** Keys with their prefix: `helm.toolkit.fluxcd.io/revision`, `event.toolkit.fluxcd.io/env`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly reportingController: string;
  readonly reportingInstance?: string;
  readonly action?: string;
  readonly relatedObject?: Readonly<Record<string, string>>;
}

const text = Type.Union([Type.String(), Type.Null()]);
const name = Type.String({ minLength: 1 });
const WireEvent = Type.Object({
  involvedObject: Type.Object({
    kind: name,
    namespace: name,
    name,
    apiVersion: Type.Optional(text),
    uid: Type.Optional(text),
    resourceVersion: Type.Optional(text),
  }),
  reason: name,
  severity: Type.Optional(text),
  timestamp: Type.Optional(text),
  message: Type.Optional(text),
  metadata: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
  reportingController: Type.Optional(text),
  reportingInstance: Type.Optional(text),
  action: Type.Optional(text),
  relatedObject: Type.Optional(Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])),
});
const wireEvent = Compile(WireEvent);

/**
 * The limits of an event, beside the size of its body. They are far beyond what Kubernetes allows for a name (253 characters)
 * and for the annotations of an object (256 KiB). Within them an event takes a few milliseconds, whatever it holds.
 */
const MAX_VALUES = 10_000;
const MAX_FIELD_CHARS = 1_024;
const MAX_RELATED_CHARS = 8 * MAX_FIELD_CHARS;
const MAX_METADATA_CHARS = 512 * 1024;

/** The members of an object that are strings. An empty one counts as absent. */
const textsOf = (fields: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).filter(
      (field): field is [string, string] => typeof field[1] === 'string' && field[1] !== '',
    ),
  );

/**
 * Reads the body of a request. Strict in what delivery needs (kind, namespace and name of the involved object,
 * reason, the types of the known fields), lenient in what it does not know: unknown fields are left out.
 * @param now stands in for a timestamp that is absent or null, epoch ms
 * @throws {FluxCDEventsError} `FCE_EVENT_INVALID`
 */
export function parseFluxEvent(body: string, now: number): FluxEvent {
  if (hasMoreValues(body, MAX_VALUES)) {
    const expected = `at most ${MAX_VALUES.toLocaleString('en-US')} values`;
    throw new FluxCDEventsError('FCE_EVENT_INVALID', `body: expected a Flux event of ${expected}, found more`);
  }
  let wire: unknown;
  try {
    wire = JSON.parse(body);
  } catch (cause) {
    throw new FluxCDEventsError(
      'FCE_EVENT_INVALID',
      'body: expected a Flux event as JSON, found text that is not JSON',
      { cause },
    );
  }
  return toFluxEvent(wire, now);
}

/** The same for JSON that is already parsed. */
export function toFluxEvent(wire: unknown, now: number): FluxEvent {
  if (!wireEvent.Check(wire)) {
    throw new FluxCDEventsError('FCE_EVENT_INVALID', describeFirstIssue(wire));
  }
  const timestamp = wire.timestamp || new Date(now).toISOString();
  if (!IsDateTime(timestamp) || timestamp.includes('[')) {
    throw new FluxCDEventsError(
      'FCE_EVENT_INVALID',
      `timestamp: expected an RFC 3339 date-time, found ${describeFound(timestamp)}`,
    );
  }
  const { kind, namespace, name, apiVersion, uid, resourceVersion } = wire.involvedObject;
  const { metadata, reportingInstance, action } = wire;
  const relatedObject = wire.relatedObject ? textsOf(wire.relatedObject) : {};
  const event: FluxEvent = {
    involvedObject: {
      kind,
      namespace,
      name,
      ...(apiVersion && { apiVersion }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
    },
    severity: wire.severity || 'info',
    timestamp,
    message: wire.message ?? '',
    reason: wire.reason,
    ...(metadata && Object.keys(metadata).length > 0 && { metadata }),
    reportingController: wire.reportingController ?? '',
    ...(reportingInstance && { reportingInstance }),
    ...(action && { action }),
    ...(Object.keys(relatedObject).length > 0 && { relatedObject }),
  };
  const issue = describeTooLong(event);
  if (issue !== undefined) throw new FluxCDEventsError('FCE_EVENT_INVALID', issue);
  return isWellFormed(event) ? event : (toWellFormed(event) as FluxEvent);
}

/** Whether no text of a value has half a surrogate pair, which JSON can escape but UTF-8 cannot express. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  for (const key in value as object) {
    if (!key.isWellFormed() || !isWellFormed(Reflect.get(value as object, key))) return false;
  }
  return true;
}

/** A copy with U+FFFD for each half of a surrogate pair, as Go's JSON decoder reads it. */
function toWellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  const entries = Object.entries(value as object);
  return Object.fromEntries(entries.map(([key, member]) => [key.toWellFormed(), toWellFormed(member)]));
}

/** The first field that is too long; undefined when none is. The message may have any length. */
function describeTooLong(event: FluxEvent): string | undefined {
  const { involvedObject, message: _, metadata, relatedObject, ...fields } = event;
  const wrong =
    tooLongIn(involvedObject, 'involvedObject.') ??
    tooLongIn(fields, '') ??
    (lengthOf(relatedObject) > MAX_RELATED_CHARS ? ['relatedObject', MAX_RELATED_CHARS] : undefined) ??
    (lengthOf(metadata) > MAX_METADATA_CHARS ? ['metadata', MAX_METADATA_CHARS] : undefined);
  if (!wrong) return undefined;
  const [path, max] = wrong;
  return `${path}: expected at most ${max.toLocaleString('en-US')} characters, found more`;
}

function tooLongIn(fields: object, prefix: string): [path: string, max: number] | undefined {
  for (const [name, text] of Object.entries(fields) as [string, string][]) {
    if (text.length > MAX_FIELD_CHARS) return [`${prefix}${name}`, MAX_FIELD_CHARS];
  }
  return undefined;
}

function lengthOf(texts: Readonly<Record<string, string>> | undefined): number {
  let length = 0;
  for (const key in texts) length += key.length + (texts[key]?.length ?? 0);
  return length;
}

/** The schema library collects every error of the value that it gets, so of the metadata it gets one wrong entry at most. */
function describeFirstIssue(wire: unknown): string {
  const [issue] = Value.Errors(WireEvent, withFewMetadata(wire));
  const path = formatPath(parsePointer(issue?.instancePath ?? '')) || 'body';
  return `${path}: expected a Flux event, but it ${issue?.message ?? 'is something else'}`;
}

function withFewMetadata(wire: unknown): unknown {
  const metadata: unknown = isMap(wire) ? wire.metadata : undefined;
  if (!isMap(wire) || !isMap(metadata)) return wire;
  const wrong = Object.entries(metadata).find(([, value]) => typeof value !== 'string');
  return { ...wire, metadata: wrong ? { [describeField(wrong[0])]: wrong[1] } : {} };
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
