import { createHash } from 'node:crypto';
import type { Alert } from './alert.ts';
import type { FluxEvent } from './event.ts';
import { apiGroupOf } from './object-ref.ts';

/** Prefix of the metadata that a user put on the Flux object as annotations (Flux RFC 0008). */
export const EVENT_PREFIX = 'event.toolkit.fluxcd.io/';

const groupPrefixOf = (event: FluxEvent): string => `${apiGroupOf(event.involvedObject)}/`;

/** A controller's own metadata value: `groupValue(event, 'revision')`. */
export const groupValue = (event: FluxEvent, key: string): string | undefined =>
  event.metadata?.[groupPrefixOf(event) + key];

/** What a user annotated on the Flux object: `userValue(event, 'chainId')`. */
export const userValue = (event: FluxEvent, key: string): string | undefined => event.metadata?.[EVENT_PREFIX + key];

/**
 * The key under which an event counts as a duplicate: upstream's parts (name, namespace, kind, message,
 * originRevision, revision, token), and reason, severity and uid, so that only a true repeat is one.
 * @returns SHA-256, base64url
 */
export function duplicateKey(event: FluxEvent): string {
  const { kind, namespace, name, uid } = event.involvedObject;
  const parts = [
    name,
    namespace,
    kind,
    uid,
    event.message,
    event.reason,
    event.severity,
    groupValue(event, 'originRevision'),
    groupValue(event, 'revision'),
    groupValue(event, 'token'),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** The keys that the controllers set, under the prefix of the object's group. */
const ofControllers = new Set(['revision', 'originRevision', 'commit_status', 'app-version', 'oci-digest']);

/**
 * Puts back the metadata prefixes that a notification-controller removed from an event before it sent the event on.
 * Keys of the controllers get the prefix of the object's group, and all others get that of a user's annotations. A key
 * that both a controller and a user set can no longer be told apart.
 */
export function restorePrefixes(event: FluxEvent): FluxEvent {
  if (!event.metadata) return event;
  const group = groupPrefixOf(event);
  const prefixOf = (key: string) => (group !== '/' && ofControllers.has(key) ? group : EVENT_PREFIX);
  const metadata = Object.fromEntries(
    Object.entries(event.metadata).map(([key, value]) => [prefixOf(key) + key, value]),
  );
  return { ...event, metadata };
}

/** A metadata key that more than one source sets. */
export interface MetadataConflict {
  readonly key: string;
  /** Lowest precedence first; the last one wins. */
  readonly sources: readonly string[];
}

/** The metadata of an event for one Alert, prefixes removed. */
export interface MergedMetadata {
  readonly metadata: Readonly<Record<string, string>>;
  readonly conflicts: readonly MetadataConflict[];
}

/** Controller metadata that goes to no receiver, as in the notification-controller. */
const withheld = new Set(['token', 'digest', 'checksum']);

/**
 * Merges as the notification-controller does. Lowest precedence first: `event.toolkit.fluxcd.io/` keys of the event,
 * the Alert's `eventMetadata`, its `summary`, the keys with the prefix of the object's own API group.
 * @see https://github.com/fluxcd/flux2/tree/v2.9.0/rfcs/0008-custom-event-metadata-from-annotations
 */
export function mergeMetadata(event: FluxEvent, alert: Pick<Alert, 'spec'> | undefined): MergedMetadata {
  const group = groupPrefixOf(event);
  const fromUser: [string, string][] = [];
  const fromController: [string, string][] = [];
  for (const [key, value] of Object.entries(event.metadata ?? {})) {
    if (key.startsWith(EVENT_PREFIX)) {
      fromUser.push([key.slice(EVENT_PREFIX.length), value]);
    } else if (group !== '/' && key.startsWith(group) && !withheld.has(key.slice(group.length).toLowerCase())) {
      fromController.push([key.slice(group.length), value]);
    }
  }
  const sources: [string, [string, string][]][] = [
    ['involved object annotations', fromUser],
    ['Alert object .spec.eventMetadata', Object.entries(alert?.spec.eventMetadata ?? {})],
    ['Alert object .spec.summary', alert?.spec.summary ? [['summary', alert.spec.summary]] : []],
    ['involved object controller metadata', fromController],
  ];
  const metadata = new Map<string, string>();
  const sourcesOf = new Map<string, string[]>();
  for (const [source, entries] of sources) {
    for (const [key, value] of entries) {
      metadata.set(key, value);
      const known = sourcesOf.get(key);
      if (known) known.push(source);
      else sourcesOf.set(key, [source]);
    }
  }
  const conflicts = [...sourcesOf]
    .filter(([, of]) => of.length > 1)
    .map(([key, of]) => ({ key, sources: of }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return { metadata: Object.fromEntries(metadata), conflicts }; // __proto__ is a key like any other
}
