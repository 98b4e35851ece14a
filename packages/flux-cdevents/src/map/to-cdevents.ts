import { type CDEvent, type EventName, eventTypeOf } from 'cdevents-sdk';
import { MAX_COST, type RemainingCost, type Variables } from '../cel/expression.ts';
import type { FluxEvent } from '../flux/event.ts';
import { groupValue, userValue } from '../flux/metadata.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import { mappingOf } from '../mapping/compiled.ts';
import type { CompiledEmit, CompiledRule, FieldOrigin } from '../mapping/rules/compile.ts';
import type { ProviderOptions } from '../provider/provider.ts';
import { parseHelmMessage } from './helm-message.ts';
import { chainIdOf, contextIdOf, contextSourceOf, identityOf } from './identity.ts';
import { customNameOf, describeFailure, makeCDEvent, makeUnmappedEvent, type Scene } from './make-cdevent.ts';
import { afterAnnouncement, isUnchanged } from './memory/announcement.ts';
import { afterSending, detect, resolve, type Verdict } from './memory/incident.ts';
import type { ProviderMemory } from './memory/memory.ts';
import { createThread } from './memory/thread.ts';
import { environmentIdOf, variablesOf } from './variables.ts';

/** What the mapping of one event for one Provider and one Alert depends on, and nothing else. */
export interface MapRequest {
  readonly event: FluxEvent;
  /** Merged, without prefixes. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly alert: NamespacedName;
  readonly provider: NamespacedName;
  readonly options: Pick<ProviderOptions, 'specVersion' | 'preset' | 'mapping' | 'unmapped' | 'unchanged'>;
  readonly cluster: string | undefined;
  /** Template of `context.source`. */
  readonly source: string | undefined;
  readonly chainId: string;
  /** What the Provider was told about the object in this environment. */
  readonly memory: ProviderMemory;
}

/** One CDEvent, or what would have been one. */
export type MappedCDEvent = {
  readonly id: string;
  /** Full event type; `unmapped` when the rule failed before there was one. */
  readonly type: string;
  readonly fields: readonly FieldOrigin[];
} & ({ readonly cdevent: CDEvent } | { readonly error: string });

/** A CDEvent of an incident that is not sent, since the Provider knows already, or never heard of the incident. */
export interface WithheldCDEvent {
  readonly type: string;
  readonly why: string;
}

export interface MapResult {
  /** The rule that matched, or `unmapped` for an event that no rule maps and that became a custom event all the same. */
  readonly rule?: string;
  /** Whose rule that is. */
  readonly from?: 'mapping' | 'preset';
  /** Rules that were looked at, in order. */
  readonly tried: readonly string[];
  readonly cdevents: readonly MappedCDEvent[];
  readonly withheld: readonly WithheldCDEvent[];
  /** Why there is none. `repeated`: all there would have been are withheld. */
  readonly skipped?: 'unmapped' | 'ignored' | 'unchanged' | 'repeated';
  /** What the Provider was told after this. */
  readonly memory: ProviderMemory;
}

/** The id of a chain that an event would start. */
export const newChainId = (event: FluxEvent, cluster: string | undefined): string =>
  chainIdOf(identityOf(event, cluster, { revision: groupValue(event, 'revision') ?? '' }));

/**
 * Maps one Flux event for one Provider. Pure: the same request gives the same CDEvents, ids included. A CDEvent that
 * is not valid comes back as an error, and so does a rule that fails.
 */
export function toCDEvents(request: MapRequest): MapResult {
  const { event, options } = request;
  const memory = afterAnnouncement(event, request.memory);
  if (options.unchanged === 'skip' && isUnchanged(event, request.memory)) {
    return { tried: [], cdevents: [], withheld: [], skipped: 'unchanged', memory };
  }
  const run = createRun(request, memory);
  const { compiled, names, own } = mappingOf(options);
  const { tried: count, rule, error } = compiled.apply(run.variables(), run.remaining);
  const tried = names.slice(0, count);
  if (error) {
    run.fail(error);
    return { tried, ...run.result() };
  }
  if (!rule) {
    if (options.unmapped === 'skip') return { tried, ...run.result(), skipped: 'unmapped' };
    run.emitUnmapped();
    return { tried, rule: 'unmapped', ...run.result() };
  }
  run.emit(rule);
  const result = run.result();
  const [withheld] = result.withheld;
  return {
    tried,
    rule: rule.name,
    from: count <= own ? 'mapping' : 'preset',
    ...result,
    ...(result.cdevents.length === 0 && { skipped: withheld ? 'repeated' : 'ignored' }),
  };
}

/** The mapping of one event under way: what was made so far, and what is to be remembered. */
function createRun(request: MapRequest, before: ProviderMemory) {
  const { event, metadata, options, cluster, chainId } = request;
  const environmentId = environmentIdOf(event, metadata, cluster);
  const identity = identityOf(event, cluster, metadata);
  const scene: Scene = {
    event,
    metadata,
    specVersion: options.specVersion,
    cluster,
    source: contextSourceOf(event, cluster, request.source),
    helm: event.involvedObject.kind === 'HelmRelease' ? parseHelmMessage(event.message) : {},
  };
  const common = variablesOf({ ...request, ...scene, environmentId });
  const remaining: RemainingCost = { left: MAX_COST };
  const isChainGiven = Boolean(userValue(event, 'chainId'));
  const cdevents: MappedCDEvent[] = [];
  const withheld: WithheldCDEvent[] = [];
  const thread = createThread(chainId, before.previous);
  let incidents = before.incidents ?? {};

  const sent = (id: string, ofChain: string) => {
    incidents = afterSending(incidents, ofChain, id);
    if (ofChain === chainId) thread.add(id);
  };

  const idOf = (type: string) => contextIdOf(identity, type, environmentId);
  const variables = (incidentId = incidents.open?.subjectId ?? ''): Variables => ({
    ...common,
    incident: { id: incidentId, open: incidents.open !== undefined },
  });
  const fail = (error: unknown, type = 'unmapped', fields: readonly FieldOrigin[] = []) =>
    cdevents.push({ id: idOf(type), type, fields, error: describeFailure(error) });

  const judge = ({ type, incident }: CompiledEmit, id: string, seen: Variables): Verdict | undefined => {
    if (!incident) return undefined;
    const once = incident.once(seen, remaining);
    const { cause } = incident;
    const step = {
      id,
      at: Date.parse(event.timestamp),
      chainId,
      ...(cause && { cause }),
      ...(once !== undefined && { once }),
    };
    return type === 'incident.resolved' ? resolve(incidents, step) : detect(incidents, step);
  };

  const emitOne = (emit: CompiledEmit) => {
    const type = eventTypeOf(emit.type as EventName, options.specVersion) ?? emit.type;
    const id = idOf(type);
    const ownIncident = `${nameOf(event.involvedObject)}/incident/${id.slice(0, 8)}`;
    let fields: readonly FieldOrigin[] = [];
    try {
      const verdict = judge(emit, id, variables(incidents.open?.subjectId ?? ownIncident));
      if (verdict && !verdict.send) {
        incidents = verdict.after;
        withheld.push({ type, why: verdict.why });
        return;
      }
      const known = verdict?.known;
      const seen = variables(known?.subjectId ?? incidents.open?.subjectId ?? ownIncident);
      const emitted = emit.evaluate(seen, remaining);
      fields = emitted.fields;
      // What resolves an incident belongs to the rollout that broke the object, even if a later one repairs it.
      const isOfIncident = emit.type === 'incident.resolved' && known !== undefined && !isChainGiven;
      const place =
        isOfIncident && known.chainId !== chainId
          ? { id, chainId: known.chainId, previous: known.last }
          : { id, chainId, previous: thread.previousOf(id) };
      const cdevent = makeCDEvent(scene, place, emit.type, emitted);
      cdevents.push({ id, type, fields, cdevent });
      if (verdict) incidents = verdict.after(emitted.subjectId);
      sent(id, place.chainId);
    } catch (error) {
      fail(error, type, fields);
    }
  };

  return {
    remaining,
    variables,
    fail,
    emit: (rule: CompiledRule) => {
      for (const emit of rule.emits) emitOne(emit);
    },
    emitUnmapped: () => {
      const type = `dev.cdeventsx.${customNameOf(event)}.0.1.0`;
      const id = idOf(type);
      try {
        const place = { id, chainId, previous: thread.previousOf(id) };
        cdevents.push({ id, type, fields: [], cdevent: makeUnmappedEvent(scene, place) });
        sent(id, chainId);
      } catch (error) {
        fail(error, type);
      }
    },
    result: () => ({ cdevents, withheld, memory: memoryAfter() }),
  };

  function memoryAfter(): ProviderMemory {
    const previous = thread.after();
    return {
      ...before,
      ...(previous && { previous }),
      ...(Object.keys(incidents).length > 0 && { incidents }),
    };
  }
}
