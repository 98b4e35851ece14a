import { hash } from 'node:crypto';
import type { FluxEvent } from '../flux/event.ts';
import { type NamespacedName, nameOf, objectKey } from '../flux/object-ref.ts';
import { createTurns } from '../lib/turns.ts';
import { type ConvertedCDEvent, convertEvent, NO_TYPE, type SkipReason } from '../map/convert-event.ts';
import { explanationOf } from '../map/explanation.ts';
import { contextIdOf, entryIdOf, identityOf } from '../map/identity.ts';
import { chainOf } from '../map/memory/chain.ts';
import { type ObjectMemory, parseMemory, serialiseMemory } from '../map/memory/memory.ts';
import type { NewEntry } from '../outbox/entry.ts';
import type { ReadyProvider, ResolvedProvider } from '../provider/provider.ts';
import { maxAgeOf } from '../provider/provider-options.ts';
import { createSourceWriter, type EntrySource } from './entry-source.ts';

/** A Provider that an event goes to, because an Alert selected the event. */
export interface Destination {
  readonly alert: NamespacedName;
  /** Merged for this Alert, without prefixes. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly provider: NamespacedName;
  /** The Provider as it is now; absent when no Provider has this name. */
  readonly resolved: ResolvedProvider | undefined;
}

/** The defaults for Providers that do not set these options. */
export interface MapDefaults {
  readonly cluster?: string;
  /** Template of `context.source`. */
  readonly source?: string;
}

/** Why an event does not go to a destination. */
export type DestinationSkipReason = SkipReason | 'suspended';

/** What an event adds to the outbox. */
export interface EventEntries {
  readonly entries: readonly NewEntry[];
  /** What to remember of the object from now on; absent when nothing changed. */
  readonly remember?: string;
  readonly skipped: readonly { readonly provider: NamespacedName; readonly reason: DestinationSkipReason }[];
  readonly made: readonly MadeCDEvent[];
}

/** A CDEvent that was made, for the metrics. */
export interface MadeCDEvent {
  readonly type: string;
  /** The preset of the rule; `custom` for a rule of a mapping, `none` for the custom event when no rule matched. */
  readonly preset: string;
}

/**
 * The entries of an event for all its destinations. Pure: everything it depends on is passed in, and what to remember
 * is returned. Other events have their turn in between when it takes long.
 * @param recalled what is remembered of the involved object
 */
export async function entriesOf(
  event: FluxEvent,
  destinations: readonly Destination[],
  recalled: string | undefined,
  defaults: MapDefaults,
): Promise<EventEntries> {
  const skipped: { provider: NamespacedName; reason: DestinationSkipReason }[] = [];
  const open: Destination[] = [];
  for (const destination of destinations) {
    const { provider, resolved } = destination;
    if (resolved?.status === 'foreign') continue;
    if (resolved?.suspend) skipped.push({ provider, reason: 'suspended' });
    else open.push(destination);
  }
  if (open.length === 0) return { entries: [], skipped, made: [] };

  let memory = parseMemory(recalled);
  const writeSource = createSourceWriter(event);
  const { chain, chainId } = chainOf(event, memory, defaults.cluster);
  const entries = new Map<string, NewEntry>();
  const made: MadeCDEvent[] = [];
  const turns = createTurns();
  for (const destination of open) {
    if (turns.over) await turns.next();
    const one = entriesFor(destination, { event, writeSource, chainId, memory, defaults });
    for (const entry of one.entries) if (!entries.has(entry.id)) entries.set(entry.id, entry);
    if (one.skipped) skipped.push({ provider: destination.provider, reason: one.skipped });
    made.push(...one.made);
    memory = one.memory;
  }
  if (entries.size > 0) memory = { ...memory, chain };
  const remember = serialiseMemory(memory, recalled);
  return { entries: [...entries.values()], skipped, made, ...(remember !== undefined && { remember }) };
}

/**
 * The entries that replace one that waited to be mapped. They keep the chain that the event got when it was accepted.
 * @param source of the entry that waited
 * @param recalled what is remembered of the involved object now
 */
export function entriesInPlaceOf(
  { event, metadata, chainId }: EntrySource,
  alert: NamespacedName,
  resolved: ReadyProvider,
  recalled: string | undefined,
  defaults: MapDefaults,
): EventEntries {
  const destination = { alert, metadata, provider: resolved.ref, resolved };
  const writeSource = createSourceWriter(event);
  const occasion = { event, writeSource, chainId, memory: parseMemory(recalled), defaults };
  const { entries, made, memory, skipped } = entriesFor(destination, occasion);
  const remember = serialiseMemory(memory, recalled);
  return {
    entries,
    skipped: skipped ? [{ provider: resolved.ref, reason: skipped }] : [],
    made,
    ...(remember !== undefined && { remember }),
  };
}

interface EventToMap {
  readonly event: FluxEvent;
  readonly writeSource: ReturnType<typeof createSourceWriter>;
  readonly chainId: string;
  readonly memory: ObjectMemory;
  readonly defaults: MapDefaults;
}

interface DestinationEntries extends Pick<EventEntries, 'entries' | 'made'> {
  readonly memory: ObjectMemory;
  readonly skipped?: SkipReason;
}

function entriesFor(destination: Destination, occasion: EventToMap): DestinationEntries {
  const { event, writeSource, chainId, memory, defaults } = occasion;
  const { resolved, metadata, provider, alert } = destination;
  const common = commonFields(destination, event);
  if (resolved?.status !== 'ready') {
    const missing = resolved ? {} : { deadLetter: `Provider ${nameOf(provider)} does not exist` };
    const id = entryIdOf(waitingIdOf(event, destination), provider);
    const source = writeSource({ metadata, chainId });
    return { entries: [{ ...common, id, kind: 'cdevent', source, ...missing }], memory, made: [] };
  }

  const { options } = resolved;
  const cluster = options.cluster ?? defaults.cluster;
  if (resolved.type !== 'cdevents') {
    const { involvedObject, metadata: _, ...rest } = event;
    const id = contextIdOf(identityOf(event, cluster, metadata), 'flux', JSON.stringify(metadata));
    const message = JSON.stringify({ involvedObject, ...rest, metadata });
    const source = writeSource({ metadata, chainId });
    return { entries: [{ ...common, id: entryIdOf(id, provider), kind: 'flux', source, message }], memory, made: [] };
  }

  const source = options.source ?? defaults.source;
  const conversion = convertEvent({ event, metadata, alert, provider, options, cluster, source, chainId, memory });
  const preset = conversion.from === 'mapping' ? 'custom' : conversion.from === 'preset' ? options.preset : 'none';
  return {
    entries: conversion.cdevents.map((converted) => ({
      ...common,
      id: entryIdOf(converted.id, provider),
      kind: 'cdevent',
      ...(converted.type !== NO_TYPE && { type: converted.type }),
      source: writeSource({ metadata, chainId, explanation: explanationOf(conversion, converted, options) }),
      ...('cdevent' in converted ? { message: JSON.stringify(converted.cdevent) } : { deadLetter: converted.error }),
    })),
    memory: conversion.memory,
    made: conversion.cdevents.filter(isMade).map(({ type }) => ({ type, preset })),
    ...(conversion.skipped && { skipped: conversion.skipped }),
  };
}

const isMade = (converted: ConvertedCDEvent): boolean => 'cdevent' in converted;

/** The place of an event in the queue of a Provider: its order among the events of its object, and how lists show it. */
export const placeOf = ({ involvedObject, reason }: FluxEvent, provider: NamespacedName) => ({
  orderingKey: `${nameOf(provider)} ${objectKey(involvedObject)}`,
  object: `${involvedObject.kind}/${nameOf(involvedObject)}`,
  reason,
});

/** The fields that all entries of an event for one destination share. */
function commonFields({ alert, provider, resolved }: Destination, event: FluxEvent) {
  const { uid } = event.involvedObject;
  const { orderingKey, ...place } = placeOf(event, provider);
  const isOrdered = resolved?.status !== 'ready' || resolved.options.ordering === 'object';
  return {
    provider,
    alert,
    ...place,
    ...(isOrdered && { orderingKey }),
    maxAgeMs: maxAgeOf(resolved),
    ...(uid && { partitionKey: uid }),
  };
}

/** The Alert is part of the id, because its metadata may decide the environment of the event. */
const waitingIdOf = (event: FluxEvent, { alert, metadata }: Destination): string =>
  contextIdOf(identityOf(event, undefined, metadata), 'unmapped', hash('sha256', nameOf(alert)));
