import { CDEventsError } from './errors.ts';
import type { CDEvent } from './event.ts';
import { describeValue, issueAt, type ValidationIssue } from './issue.ts';
import { parse, safeParse } from './validate.ts';

/** The value of an extension attribute. */
export type ExtensionValue = string | number | boolean;

/** Extension attributes by name (`partitionkey`, `traceparent`). Undefined values are left out. */
export type Extensions = Readonly<Record<string, ExtensionValue | undefined>>;

/**
 * A CloudEvent in its JSON format. Extension attributes are on the same level as the others.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export interface CloudEvent {
  specversion: string;
  id: string;
  source: string;
  type: string;
  subject?: string;
  time?: string;
  datacontenttype?: string;
  data?: unknown;
  [attribute: string]: unknown;
}

/** The CloudEvents attributes that repeat a value of the CDEvent. */
export type MirroredAttribute = 'specversion' | 'id' | 'source' | 'type' | 'subject' | 'time';

const EXTENSION_NAME = /^[a-z0-9]+$/;
const RESERVED = new Set(
  'specversion id source type subject time datacontenttype dataschema data data_base64'.split(' '),
);
const INT32 = 2 ** 31;

function isExtensionValue(value: unknown): value is ExtensionValue {
  if (typeof value === 'number') return Number.isInteger(value) && value >= -INT32 && value < INT32;
  return typeof value === 'boolean' || (typeof value === 'string' && value !== '');
}

/**
 * Checks extensions and returns those that have a value, in their order.
 * @throws {CDEventsError} `CDE_INVALID_EXTENSION` with every name and value that CloudEvents does not allow
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#extension-context-attributes
 */
export function checkExtensions(extensions: Extensions): [string, ExtensionValue][] {
  const issues: ValidationIssue[] = [];
  const given: [string, ExtensionValue][] = [];
  for (const name of Object.keys(extensions)) {
    const value = extensions[name];
    if (value === undefined) continue;
    if (!EXTENSION_NAME.test(name)) issues.push(issueAt(name, 'name of lower-case letters and digits', 'others'));
    else if (RESERVED.has(name)) issues.push(issueAt(name, 'name of an extension', 'one that CloudEvents has'));
    else if (!isExtensionValue(value)) {
      issues.push(issueAt(name, 'non-empty string, 32-bit integer or boolean', describeValue(value)));
    } else given.push([name, value]);
  }
  if (issues.length > 0) throw new CDEventsError('CDE_INVALID_EXTENSION', 'Invalid CloudEvents extension', { issues });
  return given;
}

/** The CloudEvents attributes that repeat the values of this event. */
export const mirroredAttributes = ({ context, subject }: CDEvent): Record<MirroredAttribute, string> => ({
  specversion: '1.0',
  id: context.id,
  source: context.source,
  type: context.type,
  subject: subject.id,
  time: context.timestamp,
});

/**
 * Wraps a CDEvent in a CloudEvent: the attributes repeat the context, the data is the whole CDEvent.
 * @throws {CDEventsError} `CDE_INVALID_EXTENSION`
 * @see https://github.com/cdevents/spec/blob/v0.4.1/cloudevents-binding.md
 */
export const toCloudEvent = (event: CDEvent, extensions: Extensions = {}): CloudEvent => ({
  ...mirroredAttributes(event),
  datacontenttype: 'application/json',
  ...Object.fromEntries(checkExtensions(extensions)),
  data: event,
});

/**
 * Reads the CDEvent that a CloudEvent carries. Only the data is read; {@link validateCloudEvent} checks whether the
 * attributes agree with it.
 * @throws {CDEventsError} as {@link parse} does
 */
export const fromCloudEvent = (cloudEvent: CloudEvent): CDEvent => parse(cloudEvent.data);

/** Lists what is wrong with a CloudEvent that should carry a CDEvent: its data, and attributes that disagree with it. */
export function validateCloudEvent(cloudEvent: CloudEvent): readonly ValidationIssue[] {
  const result = safeParse(cloudEvent.data);
  if (!result.success) return result.issues;
  const issues: ValidationIssue[] = [];
  for (const [name, value] of Object.entries(mirroredAttributes(result.event))) {
    const found = cloudEvent[name];
    if (found !== value) issues.push(issueAt(name, `${JSON.stringify(value)} as in the event`, describeValue(found)));
  }
  return issues;
}
