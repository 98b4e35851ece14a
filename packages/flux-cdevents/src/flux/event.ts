import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { IsDateTime } from 'typebox/format';
import { Value } from 'typebox/value';
import { formatPath } from '../diagnostics/format.ts';
import { FluxCDEventsError } from '../errors.ts';
import { parsePointer } from '../lib/json-pointer.ts';
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

/** The members of an object that are strings. An empty one counts as absent. */
const textsOf = (fields: Readonly<Record<string, unknown>>): Record<string, string> => {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === 'string' && value !== '') texts[key] = value;
  }
  return texts;
};

/**
 * Reads the body of a request. Strict in what delivery needs (kind, namespace and name of the involved object,
 * reason, the types of the known fields), lenient in what it does not know: unknown fields are left out.
 * @param now stands in for a timestamp that is absent or null, epoch ms
 * @throws {FluxCDEventsError} `FCE_EVENT_INVALID`
 */
export function parseFluxEvent(body: string, now: number): FluxEvent {
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
    throw new FluxCDEventsError('FCE_EVENT_INVALID', `timestamp: expected an RFC 3339 date-time, found ${timestamp}`);
  }
  const { kind, namespace, name, apiVersion, uid, resourceVersion } = wire.involvedObject;
  const { metadata, reportingInstance, action } = wire;
  const relatedObject = wire.relatedObject ? textsOf(wire.relatedObject) : {};
  return {
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
}

function describeFirstIssue(wire: unknown): string {
  const [issue] = Value.Errors(WireEvent, wire);
  const path = formatPath(parsePointer(issue?.instancePath ?? '')) || 'body';
  return `${path}: expected a Flux event, but it ${issue?.message ?? 'is something else'}`;
}
