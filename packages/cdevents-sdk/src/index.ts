// reading and checking

// CloudEvents
export type { CloudEvent, Extensions, ExtensionValue } from './cloudevents.ts';
export { fromCloudEvent, toCloudEvent, validateCloudEvent } from './cloudevents.ts';
export type { ContentField } from './content-fields.ts';
export { contentFields } from './content-fields.ts';
// between spec versions
export { convert } from './convert.ts';
// creating
export type {
  ContextInput,
  CreateOptions,
  CustomEventOptions,
  EventInput,
  UntypedEventInput,
} from './create-event.ts';
export { createCustomEvent, createEvent, createUntypedEvent } from './create-event.ts';
export { decodeCustomData, encodeCustomData } from './custom-data.ts';
export type { CDEventsErrorCode } from './errors.ts';
export { CDEventsError } from './errors.ts';
// events and their parts
export type {
  CDEvent,
  CDEventOf,
  Content,
  Context,
  ContextOf,
  CustomCDEvent,
  CustomData,
  CustomSpecVersion,
  Subject,
} from './event.ts';
export { isCustomEvent, isEvent, specVersionOf } from './event.ts';
// the vocabulary
export type { CustomEventType, EventName, EventType, ParsedEventType } from './event-type.ts';
export { eventNames, eventTypeOf, isEventName, parseEventType } from './event-type.ts';
export type { ContentMode, HttpMessage, HttpOptions, IncomingHeaders, IncomingHttpMessage } from './http.ts';
export { cloudEventsFromHttp, fromHttp, toHttp } from './http.ts';
export type { ValidationIssue } from './issue.ts';
export type { EmbeddedLink, Link, LinkType } from './links.ts';
export type { SpecVersion } from './spec-version.ts';
export { DEFAULT_SPEC_VERSION, fullSpecVersions, isSpecVersion, specVersions } from './spec-version.ts';
export type { ParseResult } from './validate.ts';
export { isLink, parse, safeParse, validate, validateLink } from './validate.ts';
