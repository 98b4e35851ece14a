import {
  type CDEvent,
  CDEventsError,
  type CustomSpecVersion,
  createCustomEvent,
  createUntypedEvent,
  type EmbeddedLink,
} from 'cdevents-sdk';
import { messageOf } from '../errors.ts';
import type { FluxEvent } from '../flux/event.ts';
import { userValue } from '../flux/metadata.ts';
import { nameOf } from '../flux/object-ref.ts';
import type { Emitted } from '../mapping/rules/compile.ts';
import { isCustomType } from '../mapping/rules/defaults.ts';
import type { SpecVersion } from '../provider/provider.ts';
import type { HelmFacts } from './helm-message.ts';

/** What all CDEvents of one Flux event for one Provider have in common. */
export interface Scene {
  readonly event: FluxEvent;
  /** Merged, without prefixes. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly specVersion: SpecVersion;
  readonly cluster: string | undefined;
  /** `context.source`. */
  readonly source: string;
  readonly helm: HelmFacts;
}

/** Where a CDEvent stands among the others. */
export interface Place {
  readonly id: string;
  readonly chainId: string;
  /** The id of the CDEvent before it in its chain. */
  readonly previous: string | undefined;
}

/**
 * The CDEvent that a rule makes.
 * @throws {CDEventsError} when it would not be valid
 */
export function makeCDEvent(scene: Scene, place: Place, type: string, emitted: Emitted): CDEvent {
  const { specVersion } = scene;
  const input = {
    context: contextOf(scene, place),
    subject: { id: emitted.subjectId, source: emitted.subjectSource ?? scene.source, content: emitted.content },
    customData: { flux: fluxOf(scene), ...emitted.customData },
    customDataContentType: 'application/json',
  };
  if (!isCustomType(type)) return createUntypedEvent(type, input, { specVersion });
  const [, name = '', typeVersion = ''] = /^dev\.cdeventsx\.(.*)\.(\d+\.\d+\.\d+)$/.exec(type) ?? [];
  return createCustomEvent(name as `${string}-${string}.${string}`, input, {
    specVersion: specVersion as CustomSpecVersion,
    typeVersion,
  });
}

/** `flux-<kind>.<reason>`: the name of the custom event of what no rule maps. */
export function customNameOf({ involvedObject, reason }: FluxEvent): `${string}-${string}.${string}` {
  const letters = (text: string) => text.replace(/[^A-Za-z]/g, '');
  return `flux-${letters(involvedObject.kind)}.${letters(reason)}`;
}

/**
 * The custom event of what no rule maps, with the fields of the Flux event as its content.
 * @throws {CDEventsError} when it would not be valid
 */
export function makeUnmappedEvent(scene: Scene, place: Place): CDEvent {
  const { event, source, specVersion } = scene;
  const input = {
    context: contextOf(scene, place),
    subject: { id: nameOf(event.involvedObject), source, content: fluxOf(scene) },
  };
  return createCustomEvent(customNameOf(event), input, { specVersion: specVersion as CustomSpecVersion });
}

/** What is wrong with a CDEvent that could not be made: the rule that failed, or every issue. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof CDEventsError)) return messageOf(error);
  return `not a valid CDEvent: ${[error.message, ...error.issues.map(({ message }) => message)].join('; ')}`;
}

const contextOf = ({ event, source, specVersion }: Scene, { id, chainId, previous }: Place) => ({
  id,
  source,
  timestamp: event.timestamp,
  ...(specVersion !== '0.3' && { chainId, ...linksOf(event, previous) }),
});

/**
 * Every link has `tags`, though none are needed: the CDEvents SDK for Go writes `tags: null` where there are none, and its
 * own schema then refuses the event.
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
