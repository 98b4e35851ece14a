import type { CDEvent } from 'cdevents-sdk';
import type { FluxEvent } from '../../src/flux/event.ts';
import { mergeMetadata } from '../../src/flux/metadata.ts';
import { mapAlone } from '../../src/map/map-for-provider.ts';
import type { ObjectMemory } from '../../src/map/memory/memory.ts';
import type { MapRequest, MapResult } from '../../src/map/to-cdevents.ts';
import { nameOfType } from '../../src/mapping-cases/compare.ts';

type StoryOptions = Partial<MapRequest['options']> & {
  readonly cluster?: string;
  /** How what is remembered gets from one event to the next: a restart reads it back from its text. */
  readonly carry?: (memory: ObjectMemory) => ObjectMemory;
};

/** Maps the events of one object one after the other, as one Provider would be told of them. */
export function mapStory(events: readonly FluxEvent[], { cluster, carry, ...options }: StoryOptions = {}): MapResult[] {
  let memory: ObjectMemory = {};
  return events.map((event) => {
    const { result, memory: after } = mapAlone(
      {
        event,
        metadata: mergeMetadata(event, undefined).metadata,
        alert: { namespace: 'flux-system', name: 'all' },
        provider: { namespace: 'flux-system', name: 'hub' },
        options: { specVersion: '0.4', preset: 'service', unmapped: 'skip', unchanged: 'skip', ...options },
        cluster,
        source: undefined,
      },
      memory,
    );
    memory = carry ? carry(after) : after;
    return result;
  });
}

/** The CDEvents of a result. @throws {Error} when one could not be made */
export const cdeventsOf = ({ cdevents }: MapResult): CDEvent[] =>
  cdevents.map((mapped) => {
    if ('cdevent' in mapped) return mapped.cdevent;
    throw new Error(`${mapped.type}: ${mapped.error}`);
  });

/** `service.upgraded`. */
export const eventName = ({ context }: CDEvent): string => nameOfType(context.type);

/**
 * What each event gave, in words: `service.upgraded + incident.resolved 1`. Incidents are counted by their subject id
 * in the order in which they come up.
 */
export function tell(results: readonly MapResult[]): string[] {
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
