import type { FluxEvent } from '../flux/event.ts';
import { mergeMetadata } from '../flux/metadata.ts';
import { type NamespacedName, objectKey } from '../flux/object-ref.ts';
import { type Conversion, type ConversionRequest, convertEvent } from './convert-event.ts';
import { chainOf } from './memory/chain.ts';
import type { ObjectMemory } from './memory/memory.ts';

export type SequentialConverterOptions = ConversionRequest['options'] & {
  readonly cluster?: string;
  /** Template of `context.source`. */
  readonly source?: string;
  /** The Provider that expressions see. @default default/convert */
  readonly provider?: NamespacedName;
  /** @default default/convert */
  readonly alert?: NamespacedName;
};

/** A conversion, and what was remembered about the object before it. */
export interface Converted {
  readonly result: Conversion;
  readonly before: ObjectMemory;
}

const NAME = { namespace: 'default', name: 'convert' };

/**
 * Converts events one after the other, as the controller does for a single Provider with these options and an Alert
 * that selects everything. The next event of an object sees what the previous ones left: its chain, its incident and
 * the announced revision.
 * @param eventMetadata what the Alert adds to every event
 * @param memories what is remembered, by `objectKey`
 */
export function createSequentialConverter(
  { cluster, source, provider = NAME, alert = NAME, ...options }: SequentialConverterOptions,
  eventMetadata: Readonly<Record<string, string>> = {},
  memories = new Map<string, ObjectMemory>(),
): (event: FluxEvent) => Converted {
  const spec = { eventMetadata, providerRef: provider, eventSources: [] };
  return (event) => {
    const { metadata } = mergeMetadata(event, { spec });
    const key = objectKey(event.involvedObject);
    const before = memories.get(key) ?? {};
    const { chain, chainId } = chainOf(event, before, cluster);
    const result = convertEvent({
      event,
      metadata,
      alert,
      provider,
      options,
      cluster,
      source,
      chainId,
      memory: before,
    });
    memories.set(key, result.cdevents.length > 0 ? { ...result.memory, chain } : result.memory);
    return { result, before };
  };
}
