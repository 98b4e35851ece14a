import type { FluxEvent } from '../flux/event.ts';
import { mergeMetadata, userValue } from '../flux/metadata.ts';
import { objectKey } from '../flux/object-ref.ts';
import type { ProviderOptions } from '../flux/provider.ts';
import { chainOf } from '../map/object/chain.ts';
import type { Chain, ProviderMemory } from '../map/object/memory.ts';
import { type MapResult, newChainId, toCDEvents } from '../map/to-cdevents.ts';

export interface ConverterOptions extends Pick<ProviderOptions, 'specVersion' | 'preset' | 'unmapped' | 'unchanged'> {
  readonly cluster?: string;
  /** Template of `context.source`. */
  readonly source?: string;
}

/** Who maps, as far as expressions can see it. */
const NAME = { namespace: 'default', name: 'convert' };

/**
 * Maps events as the controller does for a Provider with these options and an Alert that selects everything. What is
 * remembered of each object (its chain, what was announced) is carried from one event to the next.
 */
export function createConverter({ cluster, source, ...options }: ConverterOptions): (event: FluxEvent) => MapResult {
  const memories = new Map<string, { readonly chain: Chain; readonly memory: ProviderMemory }>();
  return (event) => {
    const key = objectKey(event.involvedObject);
    const before = memories.get(key);
    const chain = chainOf(event, {
      before: before?.chain,
      newId: () => newChainId(event, cluster),
    });
    const result = toCDEvents({
      event,
      metadata: mergeMetadata(event, undefined).metadata,
      alert: NAME,
      provider: NAME,
      options,
      cluster,
      source,
      chainId: userValue(event, 'chainId') || chain.id,
      memory: before?.memory ?? {},
    });
    memories.set(key, { chain, memory: result.memory });
    return result;
  };
}
