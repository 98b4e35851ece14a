import type { CDEvent } from 'cdevents-sdk';
import type { FluxEvent } from '../../src/flux/event.ts';
import { objectKey } from '../../src/flux/object-ref.ts';
import type { Conversion } from '../../src/map/convert-event.ts';
import type { ObjectMemory } from '../../src/map/memory/memory.ts';
import { createSequentialConverter, type SequentialConverterOptions } from '../../src/map/sequential-converter.ts';
import { nameOfType } from '../../src/mapping-cases/compare.ts';

type StoryOptions = Partial<SequentialConverterOptions> & {
  /** How what is remembered gets from one event to the next: a restart reads it back from its text. */
  readonly carry?: (memory: ObjectMemory) => ObjectMemory;
};

/** Maps the events of one object one after the other for one Provider. */
export function mapStory(
  events: readonly FluxEvent[],
  { carry = (memory) => memory, ...options }: StoryOptions = {},
): Conversion[] {
  const memories = new Map<string, ObjectMemory>();
  const convert = createSequentialConverter(
    {
      specVersion: '0.4',
      preset: 'service',
      unmapped: 'skip',
      unchanged: 'skip',
      alert: { namespace: 'flux-system', name: 'all' },
      provider: { namespace: 'flux-system', name: 'hub' },
      ...options,
    },
    {},
    memories,
  );
  return events.map((event) => {
    const { result } = convert(event);
    const key = objectKey(event.involvedObject);
    memories.set(key, carry(memories.get(key) ?? {}));
    return result;
  });
}

/** The CDEvents of a conversion. @throws {Error} when one could not be made */
export const cdeventsOf = ({ cdevents }: Conversion): CDEvent[] =>
  cdevents.map((converted) => {
    if ('cdevent' in converted) return converted.cdevent;
    throw new Error(`${converted.type}: ${converted.error}`);
  });

/** `service.upgraded`. */
export const eventName = ({ context }: CDEvent): string => nameOfType(context.type);

/**
 * What became of each event, in words: `service.upgraded + incident.resolved 1`. Incidents are numbered in the order in
 * which their subject ids come up.
 */
export function tell(results: readonly Conversion[]): string[] {
  const incidents: string[] = [];
  return results.map((result) =>
    cdeventsOf(result)
      .map((cdevent) => {
        const name = eventName(cdevent);
        if (!name.startsWith('incident.')) return name;
        if (!incidents.includes(cdevent.subject.id)) incidents.push(cdevent.subject.id);
        return `${name} ${incidents.indexOf(cdevent.subject.id) + 1}`;
      })
      .join(' + '),
  );
}
