import type { TObject } from 'typebox';
import { type CustomEventType, type EventName, type EventType, parseEventType } from './event-type.ts';
import type { FieldsIn, Static } from './fields.ts';
import type { EmbeddedLink } from './links.ts';
import type { SpecVersion } from './spec-version.ts';
import type { vocabulary } from './vocabulary.ts';

/** Data that the producer adds: an object, or anything else as base64 with its media type in `customDataContentType`. */
export type CustomData = Record<string, unknown> | string;

/** The `context` of an event of any spec version. Fields that only some versions have are optional. */
export interface Context {
  /** Full spec version, `0.4.1`: in 0.3 and 0.4. */
  version?: string;
  /** Full spec version, `0.5.1`: in 0.5. */
  specversion?: string;
  /** Unique together with `source`. */
  id: string;
  /** URI-reference of the system that the event comes from. */
  source: string;
  /** `dev.cdevents.service.deployed.0.2.0` */
  type: string;
  /** RFC 3339 date-time. */
  timestamp: string;
  /** Absolute URI of a schema for this event: 0.4 and later. */
  schemaUri?: string;
  /** The chain of events that this one belongs to: 0.4 and later. */
  chainId?: string;
  /** 0.4 and later. */
  links?: EmbeddedLink[];
}

/** What the event is about. */
export interface Subject {
  id: string;
  source?: string;
  /** `pipelineRun`: in 0.3 and 0.4. */
  type?: string;
  content: Record<string, unknown>;
}

/** A CDEvent of any type and spec version; {@link isEvent} narrows it to one. */
export interface CDEvent {
  context: Context;
  subject: Subject;
  customData?: CustomData;
  /** Media type of `customData`. */
  customDataContentType?: string;
}

/** `subject.content` of one event in one spec version. */
export type Content<N extends EventName = EventName, V extends SpecVersion = SpecVersion> = N extends EventName
  ? V extends SpecVersion
    ? N extends EventName<V>
      ? Static<TObject<FieldsIn<(typeof vocabulary)[N]['content'], V>>>
      : never
    : never
  : never;

/** `context` of an event of the given type in one spec version. */
export type ContextOf<T extends string, V extends SpecVersion> = {
  id: string;
  source: string;
  type: T;
  timestamp: string;
} & (V extends '0.5' ? { specversion: string } : { version: string }) &
  (V extends '0.3' ? unknown : { schemaUri?: string; chainId?: string; links?: EmbeddedLink[] });

type SubjectTypeOf<N extends EventName, V extends SpecVersion> = V extends '0.5'
  ? N extends 'ticket.closed'
    ? { type?: 'ticket' }
    : unknown
  : { type: (typeof vocabulary)[N]['subjectType'] };

/** One event in one spec version: `CDEventOf<'service.deployed', '0.4'>`. */
export type CDEventOf<N extends EventName = EventName, V extends SpecVersion = SpecVersion> = N extends EventName
  ? V extends SpecVersion
    ? N extends EventName<V>
      ? {
          context: ContextOf<EventType<N, V>, V>;
          subject: { id: string; source?: string; content: Content<N, V> } & SubjectTypeOf<N, V>;
          customData?: CustomData;
          customDataContentType?: string;
        }
      : never
    : never
  : never;

/** The spec versions that have custom events. */
export type CustomSpecVersion = Exclude<SpecVersion, '0.3'>;

/** A custom event, `dev.cdeventsx.<tool>-<subject>.<predicate>.<version>`. Its tool alone defines the content. */
export type CustomCDEvent<V extends CustomSpecVersion = CustomSpecVersion> = V extends CustomSpecVersion
  ? {
      context: ContextOf<CustomEventType, V>;
      subject: { id: string; source?: string; content: Record<string, unknown> } & (V extends '0.5'
        ? unknown
        : { type: string });
      customData?: CustomData;
      customDataContentType?: string;
    }
  : never;

/**
 * The spec version of an event. Its type determines it; for a custom event, the field that holds the version does
 * (`specversion` since 0.5).
 * @returns undefined when the type is not one that this SDK knows
 */
export function specVersionOf(event: CDEvent): SpecVersion | undefined {
  const type = parseEventType(event.context.type);
  if (type?.kind === 'custom') return 'specversion' in event.context ? '0.5' : '0.4';
  return type?.specVersion;
}

/** Whether a valid event has this name, in `specVersion` if given, else in any version. */
export function isEvent<N extends EventName, V extends SpecVersion = SpecVersion>(
  event: CDEvent,
  name: N,
  specVersion?: V,
): event is CDEvent & CDEventOf<N, V> {
  const type = parseEventType(event.context.type);
  return type?.name === name && (specVersion === undefined || type.specVersion === specVersion);
}

/** Whether a valid event is a custom event. */
export const isCustomEvent = (event: CDEvent): event is CDEvent & CustomCDEvent =>
  parseEventType(event.context.type)?.kind === 'custom';
