import type { FluxEvent } from '../../flux/event.ts';
import { groupValue } from '../../flux/metadata.ts';

/** The rollout that an object is in: events of one attempt share its id as their `chainId`. */
export interface Chain {
  readonly id: string;
  readonly kind: 'rollout' | 'removal';
  /** Of the event that started it. */
  readonly revision?: string;
  /** Of the object at that time: an object that is made anew starts anew. */
  readonly uid?: string;
}

/** What one Provider was told about an object. */
export interface ProviderMemory {
  /** The revision whose success was sent, and the object's uid at that time. */
  readonly announced?: { readonly revision: string; readonly uid?: string };
  /** The last CDEvent of the chain, by environment id: where the next one's PATH link comes from. */
  readonly previous?: { readonly chainId: string; readonly ids: Readonly<Record<string, string>> };
}

/** What is remembered about an object, durably and with a version. */
export interface ObjectMemory {
  readonly chain?: Chain;
  /** By `namespace/name`. */
  readonly providers?: Readonly<Record<string, ProviderMemory>>;
}

export const parseMemory = (text: string | undefined): ObjectMemory => (text ? JSON.parse(text) : {});

/** Undefined when nothing changed, so that nothing is written. */
export const serialiseMemory = (memory: ObjectMemory, before: string | undefined): string | undefined => {
  const text = JSON.stringify(memory);
  return text === (before ?? '{}') ? undefined : text;
};

const isKustomization = (event: FluxEvent) => event.involvedObject.kind === 'Kustomization';

/** A Kustomization's success at the end of a run; it comes at every interval, whether anything changed or not. */
const isEndOfRun = (event: FluxEvent) =>
  isKustomization(event) &&
  event.reason === 'ReconciliationSucceeded' &&
  event.severity !== 'error' &&
  event.action !== 'Finalize' &&
  groupValue(event, 'commit_status') === 'update';

const CHANGE = /^\S+\/\S+ (?:created|configured|deleted)$/m;

/**
 * Whether a Provider heard this success before: its revision was announced and neither a change nor a failure came
 * since. Everything but a Kustomization's end-of-run success is news.
 */
export function isUnchanged(event: FluxEvent, memory: ProviderMemory): boolean {
  const { announced } = memory;
  if (!isEndOfRun(event) || !announced) return false;
  return announced.revision === groupValue(event, 'revision') && announced.uid === event.involvedObject.uid;
}

/** What is remembered of announcements after this event. */
export function afterAnnouncement(event: FluxEvent, memory: ProviderMemory): ProviderMemory {
  if (!isKustomization(event)) return memory;
  const { announced, ...rest } = memory;
  const revision = groupValue(event, 'revision');
  if (isEndOfRun(event) && revision) {
    const { uid } = event.involvedObject;
    return { announced: { revision, ...(uid && { uid }) }, ...rest };
  }
  const isChange = event.reason === 'Progressing' && event.severity !== 'error' && CHANGE.test(event.message);
  return isChange || event.severity === 'error' ? rest : memory;
}
