import type { FluxEvent } from '../flux/event.ts';
import type { StoredExplanation } from '../map/explanation.ts';

/** What an entry keeps of the event that caused it, so that the event can be mapped later or again. */
export interface EntrySource {
  readonly event: FluxEvent;
  /** Merged for the Alert that selected the event, without prefixes. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly chainId: string;
  /** How the CDEvent of the entry was made; absent when there is none. */
  readonly explanation?: StoredExplanation;
}

/** @throws {Error} for an entry of kind `forward`, which has no source: its message is the event */
export function readEntrySource({ id, source }: { readonly id: string; readonly source?: string }): EntrySource {
  if (source === undefined) throw new Error(`entry ${id} has no source`);
  return JSON.parse(source);
}

/**
 * Creates what writes the sources of the entries of an event. The event is long and the same in all of them, so it is
 * serialised once, when the first source is written.
 */
export function createSourceWriter(event: FluxEvent): (rest: Omit<EntrySource, 'event'>) => string {
  let text: string | undefined;
  return ({ metadata, chainId, explanation }) => {
    text ??= JSON.stringify(event);
    return `{"event":${text},${JSON.stringify({ metadata, chainId, explanation }).slice(1)}`;
  };
}
