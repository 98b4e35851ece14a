import { type TObject, Type } from 'typebox';
import { Compile } from 'typebox/schema';
import {
  CUSTOM_EVENT_TYPE,
  CUSTOM_SUBJECT_TYPE,
  describeEvent,
  type EventName,
  eventTypeOf,
  isEventName,
  parseEventType,
} from './event-type.ts';
import {
  anyObject,
  closed,
  dateTime,
  fieldsIn,
  optional,
  type TSchema,
  text,
  uri,
  uriReference,
  word,
} from './fields.ts';
import { embeddedLinks, type LinkType, linkSchemas } from './links.ts';
import { type SpecVersion, specVersionField, specVersions } from './spec-version.ts';
import { freeSourceSubjects, optionalSubjectTypeIn05, vocabulary } from './vocabulary.ts';

/** A schema and its check, which is compiled on first use. */
export interface CheckedSchema {
  /** Its name in messages. */
  readonly title: string;
  readonly schema: TSchema;
  /** Runs generated code where that is allowed. Where a content security policy forbids it, the schema is interpreted. */
  readonly check: (value: unknown) => boolean;
}

function lazily(title: string, build: () => TSchema): CheckedSchema {
  let schema: TSchema | undefined;
  let compiled: { Check(value: unknown): boolean } | undefined;
  const schemaOnce = (): TSchema => {
    schema ??= build();
    return schema;
  };
  return {
    title,
    get schema() {
      return schemaOnce();
    },
    check(value) {
      compiled ??= Compile(schemaOnce());
      return compiled.Check(value);
    },
  };
}

const customData = optional(Type.Union([anyObject, text]));
const customDataContentType = optional(text);

function contextSchema(type: TSchema, source: TSchema, specVersion: SpecVersion): TObject {
  const links =
    specVersion === '0.3' ? {} : { schemaUri: optional(uri), chainId: optional(word), links: optional(embeddedLinks) };
  return closed({ [specVersionField(specVersion)]: word, id: word, source, type, timestamp: dateTime, ...links });
}

const eventSchema = (context: TSchema, subject: TSchema): TSchema =>
  closed({ context, subject, customData, customDataContentType });

/** The schema of `subject.content` of an event, which has to exist in `specVersion`. */
export const contentSchema = (name: EventName, specVersion: SpecVersion): TObject =>
  closed(fieldsIn(vocabulary[name].content, specVersion));

function standardSchema(name: EventName, type: string, specVersion: SpecVersion): TSchema {
  const { subjectType } = vocabulary[name];
  const freeSource = freeSourceSubjects.has(subjectType);
  const subject: Record<string, TSchema> = {
    id: word,
    source: optional(freeSource ? text : uriReference),
    content: contentSchema(name, specVersion),
  };
  if (specVersion !== '0.5') subject.type = Type.Literal(subjectType);
  else if (name === optionalSubjectTypeIn05) subject.type = optional(Type.Literal(subjectType));
  return eventSchema(contextSchema(Type.Literal(type), freeSource ? word : uriReference, specVersion), closed(subject));
}

function customSchema(specVersion: SpecVersion): TSchema {
  const subject: Record<string, TSchema> = { id: word, source: optional(uriReference), content: anyObject };
  if (specVersion === '0.4') subject.type = Type.String({ pattern: CUSTOM_SUBJECT_TYPE });
  return eventSchema(
    contextSchema(Type.String({ pattern: CUSTOM_EVENT_TYPE }), uriReference, specVersion),
    closed(subject),
  );
}

const standard = new Map<string, CheckedSchema>();
for (const name of Object.keys(vocabulary)) {
  for (const specVersion of specVersions) {
    const type = eventTypeOf(name, specVersion);
    if (!type || !isEventName(name)) continue;
    standard.set(
      type,
      lazily(describeEvent(name, specVersion), () => standardSchema(name, type, specVersion)),
    );
  }
}
const custom04 = lazily('custom event of CDEvents 0.4.1', () => customSchema('0.4'));
const custom05 = lazily('custom event of CDEvents 0.5.1', () => customSchema('0.5'));

/** The schema of the event with this `context`; undefined when its type is unknown. */
export function schemaFor(context: { readonly type?: unknown }): CheckedSchema | undefined {
  if (typeof context.type !== 'string') return undefined;
  const found = standard.get(context.type);
  if (found || parseEventType(context.type)?.kind !== 'custom') return found;
  return 'specversion' in context ? custom05 : custom04;
}

const links: Record<LinkType, CheckedSchema> = {
  START: lazily('START link', () => linkSchemas.START),
  END: lazily('END link', () => linkSchemas.END),
  PATH: lazily('PATH link', () => linkSchemas.PATH),
  RELATION: lazily('RELATION link', () => linkSchemas.RELATION),
};

/** The schema of a link outside `context.links`; undefined when there is no such type of link. */
export const schemaForLink = (linkType: unknown): CheckedSchema | undefined =>
  typeof linkType === 'string' && Object.hasOwn(links, linkType) ? links[linkType as LinkType] : undefined;
