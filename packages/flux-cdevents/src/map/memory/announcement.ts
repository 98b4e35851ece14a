import type { FluxEvent } from '../../flux/event.ts';
import { groupValue } from '../../flux/metadata.ts';
import type { ProviderMemory } from './memory.ts';

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
 * Whether a Provider heard this success before: its revision was announced, neither a change nor a failure came since,
 * and no incident is open that it might end. Everything but a Kustomization's end-of-run success is news.
 */
export function isUnchanged(event: FluxEvent, { announced, incidents }: ProviderMemory): boolean {
  if (!isEndOfRun(event) || !announced || incidents?.open) return false;
  return announced.revision === groupValue(event, 'revision') && announced.uid === event.involvedObject.uid;
}

/** What is remembered of announcements after this event. One that comes late changes nothing. */
export function afterAnnouncement(event: FluxEvent, memory: ProviderMemory): ProviderMemory {
  if (!isKustomization(event)) return memory;
  const { announced, ...rest } = memory;
  const at = Date.parse(event.timestamp);
  if (announced && at < announced.at) return memory;
  const revision = groupValue(event, 'revision');
  if (isEndOfRun(event) && revision) {
    const { uid } = event.involvedObject;
    return { announced: { revision, at, ...(uid && { uid }) }, ...rest };
  }
  const isChange = event.reason === 'Progressing' && event.severity !== 'error' && CHANGE.test(event.message);
  return isChange || event.severity === 'error' ? rest : memory;
}
