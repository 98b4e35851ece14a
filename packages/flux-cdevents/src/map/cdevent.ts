import {
  type CDEvent,
  CDEventsError,
  type CustomSpecVersion,
  createCustomEvent,
  createUntypedEvent,
  type EmbeddedLink,
  parseEventType,
} from 'cdevents-sdk';
import { messageOf } from '../errors.ts';
import type { FluxEvent } from '../flux/event.ts';
import { userValue } from '../flux/metadata.ts';
import { nameOf } from '../flux/object-ref.ts';
import type { Emitted } from '../mapping/rules/compile.ts';
import type { SpecVersion } from '../provider/provider.ts';
import type { HelmFacts } from './messages.ts';

/** What is known about a Flux event. All its CDEvents for one Provider share these facts. */
export interface EventFacts {
  readonly event: FluxEvent;
  /** Merged for the Alert, without prefixes. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly specVersion: SpecVersion;
  readonly cluster: string | undefined;
  /** `context.source`. */
  readonly source: string;
  readonly environmentId: string;
  readonly helm: HelmFacts;
}

/** The ids in the context of a CDEvent. */
export interface ContextIds {
  readonly id: string;
  readonly chainId: string;
  /** The id of the CDEvent before it in its chain. */
  readonly previous: string | undefined;
}

/**
 * Makes the CDEvent of a rule.
 * @throws {CDEventsError} when it would not be valid
 */
export function createRuleCDEvent(facts: EventFacts, ids: ContextIds, type: string, emitted: Emitted): CDEvent {
  const { specVersion } = facts;
  const input = {
    context: contextOf(facts, ids),
    subject: { id: emitted.subjectId, source: emitted.subjectSource ?? facts.source, content: emitted.content },
    customData: { flux: fluxOf(facts), ...emitted.customData },
    customDataContentType: 'application/json',
  };
  const custom = parseEventType(type);
  if (custom?.kind !== 'custom') return createUntypedEvent(type, input, { specVersion });
  return createCustomEvent(custom.name as `${string}-${string}.${string}`, input, {
    specVersion: specVersion as CustomSpecVersion,
    typeVersion: custom.version,
  });
}

/**
 * Makes the custom event for a Flux event that no rule maps, with the fields of the Flux event as its content.
 * @throws {CDEventsError} when it would not be valid
 */
export function createUnmappedCDEvent(facts: EventFacts, ids: ContextIds): CDEvent {
  const { event, source, specVersion } = facts;
  const input = {
    context: contextOf(facts, ids),
    subject: { id: nameOf(event.involvedObject), source, content: fluxOf(facts) },
  };
  return createCustomEvent(unmappedNameOf(event), input, { specVersion: specVersion as CustomSpecVersion });
}

/** The event type of that custom event: `dev.cdeventsx.flux-HelmRelease.DriftDetected.0.1.0`. */
export const unmappedTypeOf = (event: FluxEvent): string => `dev.cdeventsx.${unmappedNameOf(event)}.0.1.0`;

function unmappedNameOf({ involvedObject, reason }: FluxEvent): `${string}-${string}.${string}` {
  const letters = (text: string) => text.replace(/[^A-Za-z]/g, '');
  return `flux-${letters(involvedObject.kind)}.${letters(reason)}`;
}

/** Why a CDEvent could not be made: the rule that failed, or everything that is not valid. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof CDEventsError)) return shortened(messageOf(error));
  const issues = error.issues.slice(0, MAX_SHOWN_ISSUES).map(({ message }) => message);
  return shortened(`not a valid CDEvent: ${[error.message, ...issues].join('; ')}`);
}

/** An issue quotes what it finds, which may be the whole message of an event. */
const MAX_SHOWN_ISSUES = 20;
const MAX_FAILURE_CHARS = 2_000;

const shortened = (text: string): string =>
  text.length > MAX_FAILURE_CHARS ? `${text.slice(0, MAX_FAILURE_CHARS)}…` : text;

const contextOf = ({ event, source, specVersion }: EventFacts, { id, chainId, previous }: ContextIds) => ({
  id,
  source,
  timestamp: event.timestamp,
  ...(specVersion !== '0.3' && { chainId, ...linksOf(event, previous) }),
});

/**
 * Every link has `tags`, even empty ones: otherwise the CDEvents SDK for Go would write `tags: null`, which its own
 * schema refuses.
 */
function linksOf(event: FluxEvent, previous: string | undefined): { links?: EmbeddedLink[] } {
  const trigger = userValue(event, 'triggerId');
  const links: EmbeddedLink[] = [
    ...(previous ? [{ linkType: 'PATH', from: { contextId: previous }, tags: {} } as const] : []),
    ...(trigger
      ? [{ linkType: 'RELATION', linkKind: 'TRIGGER', target: { contextId: trigger }, tags: {} } as const]
      : []),
  ];
  return links.length > 0 ? { links } : {};
}

/** The Flux event and the facts from its message, copied field by field so that the token is not included. */
function fluxOf({ event, metadata, cluster, helm }: EventFacts) {
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
