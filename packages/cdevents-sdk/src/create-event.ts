import { CDEventsError } from './errors.ts';
import type { CDEvent, CDEventOf, Content, CustomCDEvent, CustomData, CustomSpecVersion } from './event.ts';
import { describeEvent, type EventName, eventTypeOf } from './event-type.ts';
import type { EmbeddedLink } from './links.ts';
import { DEFAULT_SPEC_VERSION, fullSpecVersions, type SpecVersion, specVersionField } from './spec-version.ts';
import { validate } from './validate.ts';
import { vocabulary } from './vocabulary.ts';

/** The part of the context that the caller gives; the rest is filled in. */
export type ContextInput<V extends SpecVersion = SpecVersion> = {
  /** URI-reference of the system that the event comes from. */
  source: string;
  /** @default a new UUID */
  id?: string;
  /** An RFC 3339 date-time or a `Date`. @default now */
  timestamp?: string | Date;
} & (V extends '0.3' ? unknown : { schemaUri?: string; chainId?: string; links?: EmbeddedLink[] });

interface DataInput {
  customData?: CustomData;
  /** Media type of `customData`. */
  customDataContentType?: string;
}

/** The input of {@link createEvent}: an event without the fields that its name and spec version determine. */
export type EventInput<N extends EventName = EventName, V extends SpecVersion = SpecVersion> = DataInput & {
  context: ContextInput<V>;
  /** `content` may be left out where none of its fields is required. */
  subject: { id: string; source?: string } & (Record<never, never> extends Content<N, V>
    ? { content?: Content<N, V> }
    : { content: Content<N, V> });
};

/** As {@link EventInput}, for content that is only known at run time. */
export type UntypedEventInput = DataInput & {
  context: ContextInput<'0.5'>;
  subject: { id: string; source?: string; content?: Record<string, unknown> };
};

/** Sources of the values that the caller does not give. */
export interface CreateOptions<V extends SpecVersion = SpecVersion> {
  /** @default '0.4' */
  specVersion?: V;
  /** @default `crypto.randomUUID`, which browsers have on secure origins only */
  newId?: () => string;
  /** @default the system clock */
  now?: () => Date;
}

/** Options of {@link createCustomEvent}. */
export interface CustomEventOptions<V extends CustomSpecVersion = CustomSpecVersion> extends CreateOptions<V> {
  /** Version of the custom event type: three digits separated by dots. @default '0.1.0' */
  typeVersion?: string;
}

interface Identity {
  readonly type: string;
  readonly subjectType: string;
  readonly specVersion: SpecVersion;
  readonly title: string;
}

function assemble(identity: Identity, input: UntypedEventInput, options: CreateOptions): CDEvent {
  const { type, subjectType, specVersion, title } = identity;
  const { id, source, timestamp, ...rest } = input.context;
  const at = timestamp ?? (options.now ? options.now() : new Date());
  const event: CDEvent = {
    context: {
      [specVersionField(specVersion)]: fullSpecVersions[specVersion],
      id: id ?? (options.newId ? options.newId() : crypto.randomUUID()),
      source,
      type,
      timestamp: typeof at === 'string' ? at : toTimestamp(at),
    },
    subject: { ...input.subject, content: input.subject.content ?? {} },
  };
  // An undefined field is left out: 0.3 would refuse even the name of one that it does not have.
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined) Object.assign(event.context, { [name]: value });
  }
  if (specVersion !== '0.5') event.subject.type = subjectType;
  if (input.customData !== undefined) event.customData = input.customData;
  if (input.customDataContentType !== undefined) event.customDataContentType = input.customDataContentType;
  const issues = validate(event);
  if (issues.length > 0) throw new CDEventsError('CDE_INVALID_EVENT', `Invalid ${title}`, { issues });
  return event;
}

const toTimestamp = (at: Date): string => (Number.isNaN(at.getTime()) ? 'invalid date' : at.toISOString());

/**
 * Creates a valid event. The compiler checks its content, and the schema checks it again at run time.
 * @throws {CDEventsError} `CDE_INVALID_EVENT` with every issue
 * @see https://github.com/cdevents/spec/blob/v0.4.1/spec.md
 */
export function createEvent<N extends EventName<V>, V extends SpecVersion = typeof DEFAULT_SPEC_VERSION>(
  name: N,
  input: EventInput<NoInfer<N>, NoInfer<V>>,
  options: CreateOptions<V> = {},
): CDEvent & CDEventOf<N, V> {
  return createUntypedEvent(name, input as UntypedEventInput, options) as CDEvent & CDEventOf<N, V>;
}

/**
 * As {@link createEvent}, for a name, a spec version and content that are only known at run time.
 * @throws {CDEventsError} `CDE_UNKNOWN_TYPE` when the spec version has no such event, `CDE_INVALID_EVENT` with every issue
 */
export function createUntypedEvent(name: string, input: UntypedEventInput, options: CreateOptions = {}): CDEvent {
  const { specVersion = DEFAULT_SPEC_VERSION } = options;
  const type = eventTypeOf(name, specVersion);
  if (type === undefined) {
    throw new CDEventsError('CDE_UNKNOWN_TYPE', `CDEvents ${fullSpecVersions[specVersion]} has no event ${name}`);
  }
  const { subjectType } = vocabulary[name as EventName];
  return assemble({ type, subjectType, specVersion, title: describeEvent(name, specVersion) }, input, options);
}

/**
 * Creates a valid custom event.
 * @param name `<tool>-<subject>.<predicate>`: `mytool-resource.created`. Letters, and digits in the tool's name
 * @throws {CDEventsError} `CDE_INVALID_EVENT` with every issue, those of the name at `context.type`
 * @see https://github.com/cdevents/spec/blob/v0.4.1/custom/README.md
 */
export function createCustomEvent<V extends CustomSpecVersion = typeof DEFAULT_SPEC_VERSION>(
  name: `${string}-${string}.${string}`,
  input: UntypedEventInput,
  options: CustomEventOptions<V> = {},
): CDEvent & CustomCDEvent<V> {
  const { specVersion = DEFAULT_SPEC_VERSION, typeVersion = '0.1.0' } = options;
  const subjectType = name.slice(0, name.indexOf('.'));
  const type = `dev.cdeventsx.${name}.${typeVersion}`;
  return assemble({ type, subjectType, specVersion, title: `custom event ${name}` }, input, options) as CDEvent &
    CustomCDEvent<V>;
}
