import { randomBytes } from 'node:crypto';
import type { Report } from './reporter.ts';

/** The `involvedObject` of an Event. */
export interface InvolvedReference {
  readonly kind: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** API servers refuse new Events with a longer message. */
const MAX_MESSAGE_BYTES = 1024;
/** Leaves room for the suffix: a name may have 253 characters. */
const MAX_NAME_CHARS = 220;
const COMPONENT = 'flux-cdevents';

/** Creates an Event of the core API, in the form that Flux's recorders write. */
export function toKubeEvent(
  { reason, message }: Report,
  involvedObject: InvolvedReference,
  { at, instance }: { readonly at: Date; readonly instance: string },
): object {
  const timestamp = secondsOf(at);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `${involvedObject.name.slice(0, MAX_NAME_CHARS)}.${randomBytes(8).toString('hex')}`,
      namespace: involvedObject.namespace,
    },
    involvedObject,
    type: 'Warning',
    reason,
    message: shorten(message, MAX_MESSAGE_BYTES),
    source: { component: COMPONENT },
    reportingComponent: COMPONENT,
    reportingInstance: instance,
    firstTimestamp: timestamp,
    lastTimestamp: timestamp,
    count: 1,
  };
}

/** The patch for an Event that is repeated. */
export const repetition = (count: number, at: Date): object => ({ count, lastTimestamp: secondsOf(at) });

const secondsOf = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`;

/** Cuts a text to at most `maxBytes` of UTF-8, between characters. */
export function shorten(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= maxBytes) return text;
  const mark = Buffer.byteLength('…');
  let end = maxBytes - mark;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString('utf8')}…`;
}
