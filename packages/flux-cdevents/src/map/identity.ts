import { hash } from 'node:crypto';
import { stringify, v5 } from 'uuid';
import type { FluxEvent } from '../flux/event.ts';
import { groupValue } from '../flux/metadata.ts';
import { apiGroupOf, type NamespacedName, nameOf } from '../flux/object-ref.ts';

/** The namespace of all ids: the UUID v5 of `cdevents.toolkit.fluxcd.io` in the DNS namespace. */
const NAMESPACE = v5('cdevents.toolkit.fluxcd.io', v5.DNS);
const namespaceBytes = Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex');

/**
 * UUID v5 (RFC 9562 section 5.5) of a list of parts, kept apart by JSON. The library creates a Hash object for each id,
 * which takes longer than everything else here.
 */
function idOf(parts: readonly (string | undefined)[]): string {
  const bytes = hash('sha1', Buffer.concat([namespaceBytes, Buffer.from(JSON.stringify(parts))]), 'buffer');
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return stringify(bytes);
}

/** What distinguishes a Flux event from others: the same on every replica and after every restart. */
export function identityOf(event: FluxEvent, cluster: string | undefined, metadata: Readonly<Record<string, string>>) {
  const { kind, namespace, name, uid } = event.involvedObject;
  return [
    cluster,
    apiGroupOf(event.involvedObject),
    kind,
    namespace,
    name,
    uid,
    event.reason,
    metadata.revision,
    groupValue(event, 'token'),
    event.timestamp,
    hash('sha256', event.message),
  ] as const;
}
export type Identity = ReturnType<typeof identityOf>;

/** `context.id` of a CDEvent. The Alert is not part of it, so two Alerts that name one Provider make one CDEvent. */
export const contextIdOf = (identity: Identity, type: string, environment: string): string =>
  idOf([...identity, type, environment]);

/** The id of a chain that starts with this event. */
export const chainIdOf = (identity: Identity): string => idOf([...identity, 'chain']);

/** Identifies the body of a request, byte for byte. */
export const bodyIdOf = (body: string): string => idOf(['body', hash('sha256', body)]);

/** The id of an outbox entry: the id of its CDEvent and eight hexadecimal digits that identify the Provider. */
export const entryIdOf = (contextId: string, provider: NamespacedName): string =>
  `${contextId}.${hash('sha256', nameOf(provider)).slice(0, 8)}`;

/**
 * `context.source`: the template with its placeholders filled in, else `/{cluster}/flux/{reportingController}`, without
 * a cluster `/flux/{reportingController}`.
 */
export function contextSourceOf(event: FluxEvent, cluster: string | undefined, template: string | undefined): string {
  const { namespace, name, kind } = event.involvedObject;
  const values: Record<string, string> = {
    cluster: cluster ?? '',
    reportingController: event.reportingController,
    namespace,
    name,
    kind,
  };
  const text = template ?? (cluster ? '/{cluster}/flux/{reportingController}' : '/flux/{reportingController}');
  return text.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent((values[key] ?? '').toWellFormed()));
}
