// The public interface, in the order of the README. What is not here is not part of the package.

// Creating events: the name says what happened, the types say what its content must have.

export type { ContextInput, CreateOptions, CustomEventOptions, EventInput, UntypedEventInput } from './create-event.ts';
export { createCustomEvent, createEvent, createUntypedEvent } from './create-event.ts';

// Reading events: `parse` throws, `safeParse` answers, `validate` lists what is wrong.

export type { ValidationIssue } from './issue.ts';
export type { ParseResult } from './validate.ts';
export { parse, safeParse, validate } from './validate.ts';

// Looking at an event, and the types of its parts.

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

// Links between events, inside `context.links` or on their own.

export type { EmbeddedLink, Link, LinkType } from './links.ts';
export { isLink, validateLink } from './validate.ts';

// The vocabulary: the names, types and fields of every event.

export type { ContentField } from './content-fields.ts';
export { contentFields } from './content-fields.ts';
export type { CustomEventType, EventName, EventType, ParsedEventType } from './event-type.ts';
export { eventNames, eventTypeOf, isEventName, parseEventType } from './event-type.ts';

// Spec versions, and conversion between them.

export { convert } from './convert.ts';
export type { SpecVersion } from './spec-version.ts';
export { DEFAULT_SPEC_VERSION, fullSpecVersions, isSpecVersion, specVersions } from './spec-version.ts';

// CloudEvents, the envelope of a CDEvent.

export type { CloudEvent, Extensions, ExtensionValue } from './cloudevents.ts';
export { fromCloudEvent, toCloudEvent, validateCloudEvent } from './cloudevents.ts';

// HTTP requests that carry CloudEvents.

export type { ContentMode, HttpMessage, HttpOptions, IncomingHeaders, IncomingHttpMessage } from './http.ts';
export { cloudEventsFromHttp, fromHttp, toHttp } from './http.ts';

// Custom data that is not JSON.

export { decodeCustomData, encodeCustomData } from './custom-data.ts';

// The one class of error.

export type { CDEventsErrorCode } from './errors.ts';
export { CDEventsError } from './errors.ts';
