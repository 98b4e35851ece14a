import type { FluxEvent } from '../flux/event.ts';
import { mergeMetadata } from '../flux/metadata.ts';
import { type NamespacedName, objectKey } from '../flux/object-ref.ts';
import type { ProviderOptions } from '../provider/provider.ts';
import { mapAlone } from './map-for-provider.ts';
import type { ObjectMemory, ProviderMemory } from './memory/memory.ts';
import type { MapResult } from './to-cdevents.ts';

export interface ConverterOptions
  extends Pick<ProviderOptions, 'specVersion' | 'preset' | 'mapping' | 'unmapped' | 'unchanged'> {
  readonly cluster?: string;
  /** Template of `context.source`. */
  readonly source?: string;
  /** Who maps, as far as expressions can see it. @default default/convert */
  readonly provider?: NamespacedName;
  /** @default default/convert */
  readonly alert?: NamespacedName;
}

/** What came of an event, and what was remembered before it. */
export interface Converted {
  readonly result: MapResult;
  readonly before: ProviderMemory;
}

const NAME = { namespace: 'default', name: 'convert' };

/**
 * Maps events as the controller does for a Provider with these options and an Alert that selects everything. What is
 * remembered of each object (its chain, its incident, what was announced) is carried from one event to the next.
 * @param eventMetadata what the Alert adds to every event
 */
export function createConverter(
  { cluster, source, provider = NAME, alert = NAME, ...options }: ConverterOptions,
  eventMetadata: Readonly<Record<string, string>> = {},
): (event: FluxEvent) => Converted {
  const memories = new Map<string, ObjectMemory>();
  const spec = { eventMetadata, providerRef: provider, eventSources: [] };
  return (event) => {
    const { metadata } = mergeMetadata(event, { spec });
    const key = objectKey(event.involvedObject);
    const { result, before, memory } = mapAlone(
      { event, metadata, alert, provider, options, cluster, source },
      memories.get(key) ?? {},
    );
    memories.set(key, memory);
    return { result, before };
  };
}
