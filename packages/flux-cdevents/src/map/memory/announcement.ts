import type { FluxEvent } from '../../flux/event.ts';
import { groupValue } from '../../flux/metadata.ts';
import type { ProviderMemory } from './memory.ts';

const isKustomization = (event: FluxEvent) => event.involvedObject.kind === 'Kustomization';

/** The success of a Kustomization at the end of a run, posted at every interval whether or not anything changed. */
const isEndOfRun = (event: FluxEvent) =>
  isKustomization(event) &&
  event.reason === 'ReconciliationSucceeded' &&
  event.severity !== 'error' &&
  event.action !== 'Finalize' &&
  groupValue(event, 'commit_status') === 'update';

const CHANGE = /^\S+\/\S+ (?:created|configured|deleted)$/m;

/**
 * Whether a Provider was notified of this success before: its revision was announced, nothing changed or failed since,
 * and no incident is open that it might resolve. Everything but the success of a Kustomization at the end of a run is news.
 */
export function isUnchanged(event: FluxEvent, { announced, incidents }: ProviderMemory): boolean {
  if (!isEndOfRun(event) || !announced || incidents?.open) return false;
  return announced.revision === groupValue(event, 'revision') && announced.uid === event.involvedObject.uid;
}

/** What to remember about announcements after this event. An event older than the last announcement changes nothing. */
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
