import {
  type CDEvent,
  CDEventsError,
  type CustomSpecVersion,
  createCustomEvent,
  createUntypedEvent,
  type EmbeddedLink,
  type EventName,
  eventTypeOf,
} from 'cdevents-sdk';
import { messageOf } from '../errors.ts';
import type { FluxEvent } from '../flux/event.ts';
import { groupValue, userValue } from '../flux/metadata.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { PresetName, ProviderOptions, SpecVersion } from '../flux/provider.ts';
import { type HelmFacts, parseHelmMessage } from './helm-message.ts';
import { chainIdOf, contextIdOf, contextSourceOf, type Identity, identityOf } from './identity.ts';
import { afterAnnouncement, isUnchanged, type ProviderMemory } from './object/memory.ts';
import { presets } from './presets/presets.ts';
import { type CompiledMapping, compileMapping, type Emitted, type FieldOrigin } from './rules/compile.ts';
import { environmentIdOf, variablesOf } from './variables.ts';

/** What the mapping of one event for one Provider and one Alert depends on, and nothing else. */
export interface MapRequest {
  readonly event: FluxEvent;
  /** Merged, without prefixes. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly alert: NamespacedName;
  readonly provider: NamespacedName;
  readonly options: Pick<ProviderOptions, 'specVersion' | 'preset' | 'unmapped' | 'unchanged'>;
  readonly cluster: string | undefined;
  /** Template of `context.source`. */
  readonly source: string | undefined;
  readonly chainId: string;
  /** What the Provider was told about the object. */
  readonly memory: ProviderMemory;
}

/** One CDEvent, or what would have been one. */
export type MappedCDEvent = {
  readonly id: string;
  /** Full event type. */
  readonly type: string;
  readonly fields: readonly FieldOrigin[];
} & ({ readonly cdevent: CDEvent } | { readonly error: string });

export interface MapResult {
  /** The rule that matched, or `unmapped` for an event that no rule maps and that became a custom event all the same. */
  readonly rule?: string;
  /** Rules that were looked at, in order. */
  readonly tried: readonly string[];
  readonly cdevents: readonly MappedCDEvent[];
  /** Why there is none. */
  readonly skipped?: 'unmapped' | 'ignored' | 'unchanged';
  /** What the Provider was told after this. */
  readonly memory: ProviderMemory;
}

const compiled = new Map<string, CompiledMapping>();

/** The compiled preset, made on first use. */
function mappingOf(preset: PresetName, version: SpecVersion): CompiledMapping {
  const key = `${preset} ${version}`;
  let mapping = compiled.get(key);
  if (!mapping) {
    mapping = compileMapping(presets[preset], version);
    compiled.set(key, mapping);
  }
  return mapping;
}

/** The id of a chain that an event would start. */
export const newChainId = (event: FluxEvent, cluster: string | undefined): string =>
  chainIdOf(identityOf(event, cluster, { revision: groupValue(event, 'revision') ?? '' }));

/**
 * Maps one Flux event for one Provider. Pure: the same request gives the same CDEvents, ids included. A CDEvent that
 * is not valid comes back as an error, and so does a rule that fails.
 */
export function toCDEvents(request: MapRequest): MapResult {
  const { event, metadata, options, cluster } = request;
  const memory = afterAnnouncement(event, request.memory);
  if (options.unchanged === 'skip' && isUnchanged(event, request.memory)) {
    return { tried: [], cdevents: [], skipped: 'unchanged', memory };
  }
  const identity = identityOf(event, cluster, metadata);
  const scene: Scene = {
    ...request,
    identity,
    helm: event.involvedObject.kind === 'HelmRelease' ? parseHelmMessage(event.message) : {},
    contextSource: contextSourceOf(event, cluster, request.source),
    environmentId: environmentIdOf(event, metadata, cluster),
  };
  const variables = variablesOf({
    ...scene,
    provider: request.provider,
    specVersion: options.specVersion,
    source: scene.contextSource,
  });

  const placeholder = { ...variables, incident: { id: '' } };
  let applied: ReturnType<CompiledMapping['apply']>;
  try {
    applied = mappingOf(options.preset, options.specVersion).apply(placeholder);
  } catch (error) {
    return { tried: [], cdevents: [failed(scene, 'rule', error)], memory };
  }
  const { tried, rule, emits } = applied;
  if (rule === undefined && options.unmapped === 'skip') return { tried, cdevents: [], skipped: 'unmapped', memory };
  if (rule !== undefined && emits.length === 0) return { tried, rule, cdevents: [], skipped: 'ignored', memory };

  const cdevents: MappedCDEvent[] = [];
  let previous = previousOf(request);
  const add = (mapped: MappedCDEvent) => {
    cdevents.push(mapped);
    if ('cdevent' in mapped) previous = mapped.id;
  };
  if (rule === undefined) add(customEvent(scene, previous));
  for (const emit of emits) {
    const type = eventTypeOf(emit.type as EventName, options.specVersion) ?? emit.type;
    const id = contextIdOf(identity, type, scene.environmentId);
    try {
      const incident = { id: `${nameOf(event.involvedObject)}/incident/${id.slice(0, 8)}` };
      const emitted = emit.evaluate({ ...variables, incident });
      add(typedEvent(scene, { id, type, emitted, previous }));
    } catch (error) {
      add(failed(scene, type, error));
    }
  }
  return { tried, rule: rule ?? 'unmapped', cdevents, memory: remember(request, memory, scene, previous) };
}

interface Scene extends MapRequest {
  readonly identity: Identity;
  readonly helm: HelmFacts;
  readonly contextSource: string;
  readonly environmentId: string;
}

function typedEvent(
  scene: Scene,
  { id, type, emitted, previous }: { id: string; type: string; emitted: Emitted; previous: string | undefined },
): MappedCDEvent {
  const { specVersion } = scene.options;
  const { fields } = emitted;
  try {
    const input = {
      context: contextOf(scene, id, previous),
      subject: {
        id: emitted.subjectId,
        source: emitted.subjectSource ?? scene.contextSource,
        content: emitted.content,
      },
      customData: { flux: fluxOf(scene), ...emitted.customData },
      customDataContentType: 'application/json',
    };
    return { id, type, cdevent: createUntypedEvent(emitted.type, input, { specVersion }), fields };
  } catch (error) {
    return { id, type, fields, error: describe(error) };
  }
}

/** `dev.cdeventsx.flux-<kind>.<reason>.0.1.0`, with the fields of the Flux event as its content. */
function customEvent(scene: Scene, previous: string | undefined): MappedCDEvent {
  const { event, options } = scene;
  const letters = (text: string) => text.replace(/[^A-Za-z]/g, '');
  const name = `flux-${letters(event.involvedObject.kind)}.${letters(event.reason)}` as const;
  const type = `dev.cdeventsx.${name}.0.1.0`;
  const id = contextIdOf(scene.identity, type, scene.environmentId);
  try {
    const input = {
      context: contextOf(scene, id, previous),
      subject: { id: nameOf(event.involvedObject), source: scene.contextSource, content: fluxOf(scene) },
    };
    const cdevent = createCustomEvent(name, input, { specVersion: options.specVersion as CustomSpecVersion });
    return { id, type, cdevent, fields: [] };
  } catch (error) {
    return { id, type, fields: [], error: describe(error) };
  }
}

const contextOf = (scene: Scene, id: string, previous: string | undefined) => ({
  id,
  source: scene.contextSource,
  timestamp: scene.event.timestamp,
  ...(scene.options.specVersion !== '0.3' && { chainId: scene.chainId, ...linksOf(scene.event, previous) }),
});

function linksOf(event: FluxEvent, previous: string | undefined): { links?: EmbeddedLink[] } {
  const trigger = userValue(event, 'triggerId');
  const links: EmbeddedLink[] = [
    ...(previous ? [{ linkType: 'PATH', from: { contextId: previous } } as const] : []),
    ...(trigger ? [{ linkType: 'RELATION', linkKind: 'TRIGGER', target: { contextId: trigger } } as const] : []),
  ];
  return links.length > 0 ? { links } : {};
}

/** The Flux event as received and what its message says; never the token. */
function fluxOf({ event, metadata, cluster, helm }: Scene) {
  const { involvedObject, severity, timestamp, message, reason, reportingController, action, relatedObject } = event;
  return {
    involvedObject,
    severity,
    timestamp,
    message,
    reason,
    metadata,
    reportingController,
    ...(action && { action }),
    ...(relatedObject && { relatedObject }),
    ...(cluster && { cluster }),
    ...helm,
  };
}

function failed(scene: Scene, type: string, error: unknown): MappedCDEvent {
  return { id: contextIdOf(scene.identity, type, scene.environmentId), type, fields: [], error: describe(error) };
}

function describe(error: unknown): string {
  if (!(error instanceof CDEventsError)) return messageOf(error);
  return [error.message, ...error.issues.map(({ message }) => message)].join('; ');
}

const previousOf = ({ memory, chainId, event, metadata, cluster }: MapRequest): string | undefined =>
  memory.previous?.chainId === chainId ? memory.previous.ids[environmentIdOf(event, metadata, cluster)] : undefined;

function remember(
  { chainId, memory: before }: MapRequest,
  memory: ProviderMemory,
  { environmentId }: Scene,
  previous: string | undefined,
): ProviderMemory {
  if (previous === undefined) return memory;
  const ids = before.previous?.chainId === chainId ? before.previous.ids : {};
  return { ...memory, previous: { chainId, ids: { ...ids, [environmentId]: previous } } };
}
