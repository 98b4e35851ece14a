import type { FluxEvent } from '../flux/event.ts';
import { userValue } from '../flux/metadata.ts';
import { nameOf } from '../flux/object-ref.ts';
import { chainOf } from './memory/chain.ts';
import type { ObjectMemory, ProviderMemory } from './memory/memory.ts';
import { type MapRequest, type MapResult, newChainId, toCDEvents } from './to-cdevents.ts';
import { environmentIdOf } from './variables.ts';

/** What Providers were told about an object. */
export type Told = NonNullable<ObjectMemory['told']>;

/** Maps an event for one Provider by what that was told about the object in the environment of the event. */
export function mapForProvider(
  request: Omit<MapRequest, 'memory'>,
  told: Told,
): { readonly result: MapResult; readonly before: ProviderMemory; readonly told: Told } {
  const { event, metadata, provider, cluster } = request;
  const key = `${nameOf(provider)} ${environmentIdOf(event, metadata, cluster)}`;
  const before = told[key] ?? {};
  const result = toCDEvents({ ...request, memory: before });
  const isNew = Object.keys(result.memory).length > 0;
  return { result, before, told: isNew ? { ...told, [key]: result.memory } : told };
}

/** The chain that an event belongs to, and what is remembered once it is mapped. */
export function chainFor(event: FluxEvent, before: ObjectMemory, cluster: string | undefined) {
  const chain = chainOf(event, { before: before.chain, newId: () => newChainId(event, cluster) });
  return {
    chainId: userValue(event, 'chainId') || chain.id,
    /** A chain that nobody heard of need not be remembered: the next event would start the same one or its own. */
    after({ told, anySent }: { readonly told: Told; readonly anySent: boolean }): ObjectMemory {
      const kept = anySent ? chain : before.chain;
      return { ...(kept && { chain: kept }), ...(Object.keys(told).length > 0 && { told }) };
    },
  };
}

/**
 * Maps an event for one Provider that no other Provider stands beside, as `convert` does: what is to be remembered of
 * the object goes in and comes out.
 */
export function mapAlone(
  request: Omit<MapRequest, 'memory' | 'chainId'>,
  before: ObjectMemory,
): { readonly result: MapResult; readonly before: ProviderMemory; readonly memory: ObjectMemory } {
  const chain = chainFor(request.event, before, request.cluster);
  const {
    result,
    before: toldBefore,
    told,
  } = mapForProvider({ ...request, chainId: chain.chainId }, before.told ?? {});
  return { result, before: toldBefore, memory: chain.after({ told, anySent: result.cdevents.length > 0 }) };
}
