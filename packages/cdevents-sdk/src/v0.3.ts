/** CDEvents 0.3: its events and types, without the version as an argument. */
import { type CreateOptions, createEvent as createEventOf, type EventInput as EventInputOf } from './create-event.ts';
import type { CDEvent, CDEventOf, Content as ContentOf } from './event.ts';
import { type EventName as EventNameOf, eventNames as eventNamesOf } from './event-type.ts';
import { fullSpecVersions } from './spec-version.ts';

/** The short form of this spec version. */
export const specVersion = '0.3';
/** The spec version as it is written in events. */
export const fullSpecVersion = fullSpecVersions[specVersion];

export type EventName = EventNameOf<typeof specVersion>;
export type Event<N extends EventName = EventName> = CDEventOf<N, typeof specVersion>;
export type Content<N extends EventName = EventName> = ContentOf<N, typeof specVersion>;
export type EventInput<N extends EventName = EventName> = EventInputOf<N, typeof specVersion>;

/** The names of all events of this spec version. */
export const eventNames: readonly EventName[] = eventNamesOf(specVersion);

/**
 * Creates a valid event of this spec version.
 * @throws {CDEventsError} `CDE_INVALID_EVENT` with every issue
 */
export const createEvent = <N extends EventName>(
  name: N,
  input: EventInput<NoInfer<N>>,
  options: Omit<CreateOptions, 'specVersion'> = {},
): CDEvent & Event<N> => createEventOf<N, typeof specVersion>(name, input, { ...options, specVersion });
