import { indexOfVersion } from './fields.ts';
import { fullSpecVersions, type SpecVersion, specVersions } from './spec-version.ts';
import { vocabulary } from './vocabulary.ts';

type Vocabulary = typeof vocabulary;
type VersionIndex = { '0.3': 0; '0.4': 1; '0.5': 2 };
type TypeVersion<N extends keyof Vocabulary, V extends SpecVersion> = Vocabulary[N]['typeVersions'][VersionIndex[V]];

/** The name of an event: `'service.deployed'`. Of one spec version, or by default of any. */
export type EventName<V extends SpecVersion = SpecVersion> = V extends SpecVersion
  ? { [N in keyof Vocabulary]: TypeVersion<N, V> extends string ? N : never }[keyof Vocabulary]
  : never;

/** The full type of an event: `EventType<'service.deployed', '0.4'>` is `'dev.cdevents.service.deployed.0.2.0'`. */
export type EventType<N extends EventName = EventName, V extends SpecVersion = SpecVersion> = N extends EventName
  ? V extends SpecVersion
    ? TypeVersion<N, V> extends infer T extends string
      ? `dev.cdevents.${N}.${T}`
      : never
    : never
  : never;

/** The type of a custom event: `'dev.cdeventsx.mytool-resource.created.0.1.0'`. */
export type CustomEventType = `dev.cdeventsx.${string}-${string}.${string}.${string}`;

/** An event type in its parts. */
export type ParsedEventType =
  | {
      readonly kind: 'standard';
      /** `service.deployed` */
      readonly name: EventName;
      /** `service` */
      readonly subject: string;
      /** `deployed` */
      readonly predicate: string;
      /** Version of the event type, not of the specification: `0.2.0`. */
      readonly version: string;
      /** The one spec version that has this version of the event type. */
      readonly specVersion: SpecVersion;
    }
  | {
      readonly kind: 'custom';
      /** `mytool-resource.created` */
      readonly name: string;
      /** `mytool-resource` */
      readonly subject: string;
      /** `created` */
      readonly predicate: string;
      readonly version: string;
      /** The type does not tell; `specVersionOf` reads it from the event. */
      readonly specVersion: undefined;
    };

/** @see https://github.com/cdevents/spec/blob/v0.4.1/custom/README.md */
export const CUSTOM_EVENT_TYPE = '^dev\\.cdeventsx\\.[a-zA-Z0-9]+-[a-zA-Z]+\\.[a-zA-Z]+\\.[0-9]\\.[0-9]\\.[0-9]$';
export const CUSTOM_SUBJECT_TYPE = '^[a-zA-Z0-9]+-[a-zA-Z]+$';
const customEventType = new RegExp(CUSTOM_EVENT_TYPE);

const names = Object.keys(vocabulary) as EventName[];
const byType = new Map<string, ParsedEventType & { kind: 'standard' }>();
for (const name of names) {
  const [subject, predicate] = name.split('.') as [string, string];
  for (const specVersion of specVersions) {
    const version = vocabulary[name].typeVersions[indexOfVersion(specVersion)];
    if (version === null) continue;
    byType.set(`dev.cdevents.${name}.${version}`, {
      kind: 'standard',
      name,
      subject,
      predicate,
      version,
      specVersion,
    });
  }
}

/** Whether `name` is the name of an event, in `specVersion` if given, else in any version. */
export function isEventName<V extends SpecVersion = SpecVersion>(name: string, specVersion?: V): name is EventName<V> {
  if (!Object.hasOwn(vocabulary, name)) return false;
  return specVersion === undefined || eventTypeOf(name as EventName, specVersion) !== undefined;
}

/**
 * The full type string of an event in a spec version.
 * @returns undefined when that spec version has no such event
 */
export function eventTypeOf(name: string, specVersion: SpecVersion): EventType | undefined {
  if (!Object.hasOwn(vocabulary, name)) return undefined;
  const version = vocabulary[name as EventName].typeVersions[indexOfVersion(specVersion)];
  return version === null ? undefined : (`dev.cdevents.${name}.${version}` as EventType);
}

/**
 * Splits an event type into its parts, custom types (`dev.cdeventsx.…`) included.
 * @returns undefined when none of 0.3.0, 0.4.1 and 0.5.1 has such a type
 */
export function parseEventType(type: string): ParsedEventType | undefined {
  const standard = byType.get(type);
  if (standard || !customEventType.test(type)) return standard;
  const [subject = '', predicate = ''] = type.split('.').slice(2);
  return {
    kind: 'custom',
    name: `${subject}.${predicate}`,
    subject,
    predicate,
    version: type.split('.').slice(4).join('.'),
    specVersion: undefined,
  };
}

/** The names of all events of a spec version: 39 of 0.3, 45 of 0.4 and 0.5. */
export const eventNames = <V extends SpecVersion>(specVersion: V): EventName<V>[] =>
  names.filter((name): name is EventName<V> => isEventName(name, specVersion));

/** The name of an event in messages: `service.deployed of CDEvents 0.4.1`. */
export const describeEvent = (name: string, specVersion: SpecVersion): string =>
  `${name} of CDEvents ${fullSpecVersions[specVersion]}`;
