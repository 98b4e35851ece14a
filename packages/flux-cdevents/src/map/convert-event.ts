import { type CDEvent, type EventName, eventTypeOf } from 'cdevents-sdk';
import { MAX_COST, type RemainingCost } from '../cel/expression.ts';
import type { FluxEvent } from '../flux/event.ts';
import { userValue } from '../flux/metadata.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import { mappingOf } from '../mapping/compiled.ts';
import type { CompiledEmit, FieldOrigin } from '../mapping/rules/compile.ts';
import type { MappingVariables } from '../mapping/variables-schema.ts';
import type { ProviderOptions } from '../provider/provider.ts';
import {
  type ContextIds,
  createRuleCDEvent,
  createUnmappedCDEvent,
  describeFailure,
  type EventFacts,
  unmappedTypeOf,
} from './cdevent.ts';
import { contextIdOf, contextSourceOf, type Identity, identityOf } from './identity.ts';
import { afterAnnouncement, isUnchanged } from './memory/announcement.ts';
import {
  afterSending,
  detectIncident,
  type IncidentDecision,
  type IncidentMemory,
  resolveIncident,
} from './memory/incident.ts';
import { type ObjectMemory, type ProviderMemory, providerMemory, withProviderMemory } from './memory/memory.ts';
import { createThread, type Thread } from './memory/thread.ts';
import { parseHelmMessage } from './messages.ts';
import { environmentIdOf, variablesOf } from './variables.ts';

/** Everything that the conversion of one event for one Provider and one Alert depends on. */
export interface ConversionRequest {
  readonly event: FluxEvent;
  /** Merged for the Alert, without prefixes. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly alert: NamespacedName;
  readonly provider: NamespacedName;
  readonly options: Pick<ProviderOptions, 'specVersion' | 'preset' | 'mapping' | 'unmapped' | 'unchanged'>;
  readonly cluster: string | undefined;
  /** Template of `context.source`. */
  readonly source: string | undefined;
  readonly chainId: string;
  /** What is remembered about the involved object. */
  readonly memory: ObjectMemory;
}

/** A CDEvent, or why it could not be made. */
export type ConvertedCDEvent = {
  readonly id: string;
  /** The full event type; `NO_TYPE` when a rule failed before there was one. */
  readonly type: string;
  readonly fields: readonly FieldOrigin[];
} & ({ readonly cdevent: CDEvent } | { readonly error: string });

export const NO_TYPE = 'unmapped';

/**
 * A CDEvent of an incident that is not sent, because the Provider has it already or was never notified of the incident.
 */
export interface WithheldCDEvent {
  readonly type: string;
  readonly why: string;
}

/** Why an event gives no CDEvent. `repeated`: every one that the rule emits is withheld. */
export const SKIP_REASONS = ['unmapped', 'ignored', 'unchanged', 'repeated'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export interface Conversion {
  /** The rules that were evaluated, in order. */
  readonly tried: readonly string[];
  /** The rule that matched; `unmapped` for the custom event of a Flux event that no rule matched. */
  readonly rule?: string;
  /** Whether that rule is one of the custom mapping or one of the preset. */
  readonly from?: 'mapping' | 'preset';
  readonly cdevents: readonly ConvertedCDEvent[];
  readonly withheld: readonly WithheldCDEvent[];
  /** What to remember about the involved object from now on. */
  readonly memory: ObjectMemory;
  /** Why there is no CDEvent. */
  readonly skipped?: SkipReason;
}

/**
 * Converts one Flux event into CDEvents for one Provider. Pure: the same request gives the same CDEvents, ids included.
 * A CDEvent that is not valid comes back as an error, and so does a rule that fails.
 */
export function convertEvent(request: ConversionRequest): Conversion {
  const { event, metadata, provider, options, cluster } = request;
  const environmentId = environmentIdOf(event, metadata, cluster);
  const before = providerMemory(request.memory, provider, environmentId);
  const announced = afterAnnouncement(event, before);
  const remember = (after: ProviderMemory) => withProviderMemory(request.memory, provider, environmentId, after);
  if (options.unchanged === 'skip' && isUnchanged(event, before)) {
    return { tried: [], cdevents: [], withheld: [], memory: remember(announced), skipped: 'unchanged' };
  }

  const state = startConversion(request, environmentId, announced);
  const { compiled, names, own } = mappingOf(options);
  const {
    tried: count,
    rule,
    error,
  } = compiled.apply(variablesWith(state, openIncidentId(state) ?? ''), state.remaining);
  const tried = names.slice(0, count);
  const { cdevents, withheld } = state;
  if (error) {
    cdevents.push({ id: idOf(state, NO_TYPE), type: NO_TYPE, fields: [], error: describeFailure(error) });
    return { tried, cdevents, withheld, memory: remember(announced) };
  }
  if (!rule && options.unmapped === 'skip') {
    return { tried, cdevents, withheld, memory: remember(announced), skipped: 'unmapped' };
  }
  if (!rule) {
    convertUnmapped(state);
    return { tried, rule: 'unmapped', cdevents, withheld, memory: remember(memoryAfter(state)) };
  }

  for (const emit of rule.emits) convertEmit(state, emit);
  return {
    tried,
    rule: rule.name,
    from: count <= own ? 'mapping' : 'preset',
    cdevents,
    withheld,
    memory: remember(memoryAfter(state)),
    ...(cdevents.length === 0 && { skipped: withheld.length > 0 ? 'repeated' : 'ignored' }),
  };
}

/** A conversion in progress. */
interface ConversionState {
  readonly facts: EventFacts;
  readonly identity: Identity;
  /** All variables but `incident`, which differs from CDEvent to CDEvent. */
  readonly variables: Omit<MappingVariables, 'incident'>;
  readonly remaining: RemainingCost;
  readonly chainId: string;
  readonly thread: Thread;
  /** What was remembered, with the announcement of this event. */
  readonly announced: ProviderMemory;
  incidents: IncidentMemory;
  readonly cdevents: ConvertedCDEvent[];
  readonly withheld: WithheldCDEvent[];
}

function startConversion(
  request: ConversionRequest,
  environmentId: string,
  announced: ProviderMemory,
): ConversionState {
  const { event, metadata, options, cluster, chainId } = request;
  const facts: EventFacts = {
    event,
    metadata,
    specVersion: options.specVersion,
    cluster,
    source: contextSourceOf(event, cluster, request.source),
    environmentId,
    helm: event.involvedObject.kind === 'HelmRelease' ? parseHelmMessage(event.message) : {},
  };
  return {
    facts,
    identity: identityOf(event, cluster, metadata),
    variables: variablesOf(facts, request),
    remaining: { left: MAX_COST },
    chainId,
    thread: createThread(chainId, announced.previous),
    announced,
    incidents: announced.incidents ?? {},
    cdevents: [],
    withheld: [],
  };
}

/** Makes one CDEvent of a rule, unless the state of its incident withholds it. */
function convertEmit(state: ConversionState, emit: CompiledEmit): void {
  const { facts, chainId } = state;
  const { event, specVersion } = facts;
  const type = eventTypeOf(emit.type as EventName, specVersion) ?? emit.type;
  const id = idOf(state, type);
  const newIncidentId = `${nameOf(event.involvedObject)}/incident/${id.slice(0, 8)}`;
  let fields: readonly FieldOrigin[] = [];
  try {
    const decision = decideIncident(state, emit, id, newIncidentId);
    if (decision && !decision.send) {
      state.incidents = decision.after;
      state.withheld.push({ type, why: decision.why });
      return;
    }

    const known = decision?.known;
    const incidentId = known?.subjectId ?? openIncidentId(state) ?? newIncidentId;
    const emitted = emit.evaluate(variablesWith(state, incidentId), state.remaining);
    fields = emitted.fields;

    // What resolves an incident belongs to the rollout that broke the object, even if a later one repaired it.
    const isOfAnotherChain = emit.type === 'incident.resolved' && known !== undefined && known.chainId !== chainId;
    const ids =
      isOfAnotherChain && !userValue(event, 'chainId')
        ? { id, chainId: known.chainId, previous: known.last }
        : { id, chainId, previous: state.thread.previousOf(id) };

    const cdevent = createRuleCDEvent(facts, ids, emit.type, emitted);
    state.cdevents.push({ id, type, fields, cdevent });
    if (decision) state.incidents = decision.after(emitted.subjectId);
    noteSent(state, ids);
  } catch (error) {
    state.cdevents.push({ id, type, fields, error: describeFailure(error) });
  }
}

/** Makes the custom event for a Flux event that no rule maps. */
function convertUnmapped(state: ConversionState): void {
  const type = unmappedTypeOf(state.facts.event);
  const id = idOf(state, type);
  try {
    const ids = { id, chainId: state.chainId, previous: state.thread.previousOf(id) };
    state.cdevents.push({ id, type, fields: [], cdevent: createUnmappedCDEvent(state.facts, ids) });
    noteSent(state, ids);
  } catch (error) {
    state.cdevents.push({ id, type, fields: [], error: describeFailure(error) });
  }
}

/** How a CDEvent changes the incident of the object; undefined when it concerns no incident. */
function decideIncident(
  state: ConversionState,
  emit: CompiledEmit,
  id: string,
  newId: string,
): IncidentDecision | undefined {
  const { incident } = emit;
  if (!incident) return undefined;
  const once = incident.once(variablesWith(state, openIncidentId(state) ?? newId), state.remaining);
  const happened = {
    id,
    at: Date.parse(state.facts.event.timestamp),
    chainId: state.chainId,
    ...(incident.cause && { cause: incident.cause }),
    ...(once !== undefined && { once }),
  };
  const decide = emit.type === 'incident.resolved' ? resolveIncident : detectIncident;
  return decide(state.incidents, happened);
}

const idOf = ({ identity, facts }: ConversionState, type: string): string =>
  contextIdOf(identity, type, facts.environmentId);

const openIncidentId = ({ incidents }: ConversionState): string | undefined => incidents.open?.subjectId;

const variablesWith = ({ variables, incidents }: ConversionState, incidentId: string): MappingVariables => ({
  ...variables,
  incident: { id: incidentId, open: incidents.open !== undefined },
});

function noteSent(state: ConversionState, { id, chainId }: ContextIds): void {
  state.incidents = afterSending(state.incidents, chainId, id);
  if (chainId === state.chainId) state.thread.add(id);
}

function memoryAfter({ announced, thread, incidents }: ConversionState): ProviderMemory {
  const previous = thread.after();
  return {
    ...announced,
    ...(previous && { previous }),
    ...(Object.keys(incidents).length > 0 && { incidents }),
  };
}
