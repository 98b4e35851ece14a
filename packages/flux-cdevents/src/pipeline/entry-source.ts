import type { FluxEvent } from '../flux/event.ts';
import type { StoredExplanation } from '../map/explanation.ts';

/** What an entry keeps of the event that it comes from, so that the event can be mapped later, or anew. */
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

export const writeEntrySource = (source: EntrySource): string => JSON.stringify(source);

/** Adds an explanation to a source in its written form: the event in it is long, and the same for all entries. */
export const withExplanation = (source: string, explanation: StoredExplanation): string =>
  `${source.slice(0, -1)},"explanation":${JSON.stringify(explanation)}}`;
