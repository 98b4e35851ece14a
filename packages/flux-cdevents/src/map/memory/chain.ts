import type { FluxEvent } from '../../flux/event.ts';
import { groupValue } from '../../flux/metadata.ts';
import { parseHelmMessage } from '../helm-message.ts';
import type { Chain } from './memory.ts';

const ATTEMPT = /^(?:Install|Upgrade)(?:Succeeded|Failed)$/;

/**
 * The chain that an event belongs to. For a HelmRelease each install or upgrade attempt starts one, which its tests,
 * its rollback and its uninstall remediation continue; a removal is a chain of its own, its repeats included. For
 * everything else a revision is a chain, and so is a deletion.
 * @param newId makes the id of a chain that starts here
 */
export function chainOf(
  event: FluxEvent,
  { before, newId }: { before: Chain | undefined; newId: () => string },
): Chain {
  const revision = groupValue(event, 'revision');
  const { uid } = event.involvedObject;
  const current = before?.uid === uid ? before : undefined;
  const start = (kind: Chain['kind']): Chain => ({
    id: newId(),
    kind,
    ...(revision && { revision }),
    ...(uid && { uid }),
  });
  if (event.involvedObject.kind === 'HelmRelease') {
    if (ATTEMPT.test(event.reason)) return start('rollout');
    if (event.reason.startsWith('Uninstall') && !parseHelmMessage(event.message).remediation) {
      return current?.kind === 'removal' ? current : start('removal');
    }
    return current ?? start('rollout');
  }
  if (isDeletion(event)) return current?.kind === 'removal' ? current : start('removal');
  const isSame = current && (revision === undefined || current.revision === revision);
  return isSame ? current : start('rollout');
}

/** A Kustomization that is deleted: `action` says so from Flux 2.10 on; before, its success names no commit status. */
const isDeletion = (event: FluxEvent): boolean =>
  event.involvedObject.kind === 'Kustomization' &&
  event.reason === 'ReconciliationSucceeded' &&
  (event.action === 'Finalize' || groupValue(event, 'commit_status') === undefined);
