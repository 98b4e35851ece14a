import { hash } from 'node:crypto';
import type { FluxEvent } from '../flux/event.ts';
import { type NamespacedName, nameOf, objectKey } from '../flux/object-ref.ts';
import type { NewEntry } from '../outbox/entry.ts';
import type { ReadyProvider, ResolvedProvider } from '../provider/provider.ts';
import { maxAgeOf } from '../provider/provider-options.ts';
import { explanationOf, type StoredExplanation } from './explanation.ts';
import { contextIdOf, entryIdOf, identityOf } from './identity.ts';
import { chainFor, mapForProvider, type Told } from './map-for-provider.ts';
import { parseMemory, serialiseMemory } from './memory/memory.ts';

/** An Alert that selected the event, with its Provider as it is now. */
export interface Selection {
  readonly alert: NamespacedName;
  /** Merged for this Alert. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly provider: NamespacedName;
  /** Absent when there is no such Provider. */
  readonly resolved: ResolvedProvider | undefined;
}

/** What applies where a Provider does not say otherwise. */
export interface MapDefaults {
  readonly cluster?: string;
  /** Template of `context.source`. */
  readonly source?: string;
}

/** Why a selected event goes nowhere. */
export type SkipReason = 'suspended' | 'unmapped' | 'ignored' | 'unchanged' | 'repeated';

export interface MappedEvent {
  readonly entries: readonly NewEntry[];
  /** What to remember of the object from now on; absent when nothing changed. */
  readonly remember?: string;
  readonly skipped: readonly { readonly provider: NamespacedName; readonly reason: SkipReason }[];
  /** The CDEvents that were made. */
  readonly made: readonly MadeCDEvent[];
}

export interface MadeCDEvent {
  readonly type: string;
  /** Whose rule made it; `custom` for a rule of the mapping, `none` for a custom event of what no rule maps. */
  readonly preset: string;
}

/** What an entry keeps of the event it came from, so that it can be mapped later, or anew. */
export interface EntrySource {
  readonly event: FluxEvent;
  readonly metadata: Readonly<Record<string, string>>;
  readonly chainId: string;
  /** How the CDEvent of the entry was made; absent when there is none. */
  readonly explanation?: StoredExplanation;
}

/**
 * Maps an event for everything that selected it. Pure: what it depends on is passed in, and what should be remembered
 * is passed back.
 * @param recalled what is remembered of the involved object
 * @param at epoch ms of acceptance
 */
export function mapEvent(
  event: FluxEvent,
  selections: readonly Selection[],
  recalled: string | undefined,
  { defaults, at }: { readonly defaults: MapDefaults; readonly at: number },
): MappedEvent {
  const relevant = selections.filter(({ resolved }) => resolved?.status !== 'foreign');
  const skipped: { provider: NamespacedName; reason: SkipReason }[] = [];
  const live = relevant.filter(({ provider, resolved }) => {
    if (!resolved || resolved.status === 'foreign' || !resolved.suspend) return true;
    skipped.push({ provider, reason: 'suspended' });
    return false;
  });
  if (live.length === 0) return { entries: [], skipped, made: [] };

  const memory = parseMemory(recalled);
  const chain = chainFor(event, memory, defaults.cluster);
  const entries = new Map<string, NewEntry>();
  const made: MadeCDEvent[] = [];
  let told: Told = memory.told ?? {};
  for (const selection of live) {
    const mapped = mapSelection({ event, selection, chainId: chain.chainId, told, defaults, at });
    for (const entry of mapped.entries) if (!entries.has(entry.id)) entries.set(entry.id, entry);
    if (mapped.skipped) skipped.push({ provider: selection.provider, reason: mapped.skipped });
    made.push(...(mapped.made ?? []));
    told = mapped.told;
  }
  const remember = serialiseMemory(chain.after({ told, anySent: entries.size > 0 }), recalled);
  return { entries: [...entries.values()], skipped, made, ...(remember !== undefined && { remember }) };
}

/**
 * Maps the event of an entry that waited for its Provider to be right, or that is to be mapped anew.
 * @param recalled what is remembered of the object now
 */
export function mapEntry(
  entry: Pick<NewEntry, 'alert' | 'provider' | 'source' | 'expiresAt'>,
  provider: ReadyProvider,
  recalled: string | undefined,
  { defaults, at }: { readonly defaults: MapDefaults; readonly at: number },
): MappedEvent & { readonly object: string } {
  const { event, metadata, chainId } = JSON.parse(entry.source) as EntrySource;
  const memory = parseMemory(recalled);
  const selection = { alert: entry.alert, metadata, provider: provider.ref, resolved: provider };
  const mapped = mapSelection({ event, selection, chainId, told: memory.told ?? {}, defaults, at });
  const remember = serialiseMemory({ ...memory, told: mapped.told }, recalled);
  return {
    object: objectKey(event.involvedObject),
    entries: mapped.entries.map((made) => ({ ...made, expiresAt: entry.expiresAt })),
    skipped: mapped.skipped ? [{ provider: provider.ref, reason: mapped.skipped }] : [],
    made: mapped.made ?? [],
    ...(remember !== undefined && { remember }),
  };
}

interface SelectionInput {
  readonly event: FluxEvent;
  readonly selection: Selection;
  readonly chainId: string;
  readonly told: Told;
  readonly defaults: MapDefaults;
  readonly at: number;
}

interface SelectionResult {
  readonly entries: readonly NewEntry[];
  readonly told: Told;
  readonly skipped?: SkipReason;
  readonly made?: readonly MadeCDEvent[];
}

function mapSelection(input: SelectionInput): SelectionResult {
  const { event, selection, told, defaults, at } = input;
  const { resolved, metadata, provider } = selection;
  const draft = draftEntry(input);
  if (!resolved || resolved.status === 'foreign') {
    const deadLetter = `Provider ${nameOf(provider)} does not exist`;
    return { entries: [waiting(input, { ...draft, expiresAt: at + maxAgeOf(resolved), deadLetter })], told };
  }
  if (resolved.status === 'invalid') {
    return { entries: [waiting(input, { ...draft, expiresAt: at + maxAgeOf(resolved) })], told };
  }
  const { options } = resolved;
  const ordered = { ...(options.ordering === 'none' ? withoutOrder(draft) : draft), expiresAt: at + options.maxAgeMs };
  const cluster = options.cluster ?? defaults.cluster;
  if (resolved.type !== 'cdevents') {
    const { involvedObject, metadata: _, ...rest } = event;
    const id = contextIdOf(identityOf(event, cluster, metadata), 'flux', JSON.stringify(metadata));
    const message = JSON.stringify({ involvedObject, ...rest, metadata });
    return { entries: [{ ...ordered, id: entryIdOf(id, provider), type: 'flux', message }], told };
  }
  const request = {
    event,
    metadata,
    alert: selection.alert,
    provider,
    options,
    cluster,
    source: options.source ?? defaults.source,
    chainId: input.chainId,
  };
  const { result, told: toldNow } = mapForProvider(request, told);
  const preset = result.from === 'mapping' ? 'custom' : result.from === 'preset' ? options.preset : 'none';
  return {
    entries: result.cdevents.map((mapped) => ({
      ...ordered,
      id: entryIdOf(mapped.id, provider),
      type: mapped.type,
      source: withExplanation(ordered.source, explanationOf(result, mapped, options)),
      ...('cdevent' in mapped ? { message: JSON.stringify(mapped.cdevent) } : { deadLetter: mapped.error }),
    })),
    told: toldNow,
    made: result.cdevents.filter((mapped) => 'cdevent' in mapped).map(({ type }) => ({ type, preset })),
    ...(result.skipped && { skipped: result.skipped }),
  };
}

/** What all entries of an event for one Provider have in common. */
function draftEntry({ event, selection, chainId }: SelectionInput): Omit<NewEntry, 'id' | 'type' | 'expiresAt'> {
  const { kind, uid } = event.involvedObject;
  const source: EntrySource = { event, metadata: selection.metadata, chainId };
  return {
    provider: selection.provider,
    alert: selection.alert,
    orderingKey: `${nameOf(selection.provider)} ${objectKey(event.involvedObject)}`,
    object: `${kind}/${nameOf(event.involvedObject)}`,
    reason: event.reason,
    source: JSON.stringify(source),
    ...(uid && { partitionKey: uid }),
  };
}

/** Adds to a text that is the JSON of an `EntrySource`: the event in it is long, and the same for all entries. */
const withExplanation = (source: string, explanation: StoredExplanation): string =>
  `${source.slice(0, -1)},"explanation":${JSON.stringify(explanation)}}`;

function withoutOrder<T extends { readonly orderingKey?: string }>({ orderingKey: _, ...rest }: T) {
  return rest;
}

/** An entry that cannot be mapped now. Its id holds the Alert, whose metadata may decide about the environment. */
function waiting({ event, selection }: SelectionInput, draft: Omit<NewEntry, 'id' | 'type'>): NewEntry {
  const identity = identityOf(event, undefined, selection.metadata);
  const id = contextIdOf(identity, 'unmapped', hash('sha256', nameOf(selection.alert)));
  return { ...draft, id: entryIdOf(id, selection.provider), type: 'unmapped' };
}
