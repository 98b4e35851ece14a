import type { FluxEvent } from '../../flux/event.ts';
import { groupValue, userValue } from '../../flux/metadata.ts';
import { chainIdOf, identityOf } from '../identity.ts';
import { parseHelmMessage } from '../messages.ts';

/** The rollout that an object is in: the events of one attempt share its id as their `chainId`. */
export interface Chain {
  readonly id: string;
  readonly kind: 'rollout' | 'removal';
  /** The revision of the event that started it. */
  readonly revision?: string;
  /** The uid of the object at that time: an object that is created again starts a new chain. */
  readonly uid?: string;
}

/**
 * The chain that an event belongs to, and the `chainId` of its CDEvents, which a user may set on the object. Remember
 * the chain only if a CDEvent of the event is sent. Otherwise the next event starts this chain, or one of its own.
 */
export function chainOf(
  event: FluxEvent,
  memory: { readonly chain?: Chain },
  cluster: string | undefined,
): { readonly chain: Chain; readonly chainId: string } {
  const newId = () => chainIdOf(identityOf(event, cluster, { revision: groupValue(event, 'revision') ?? '' }));
  const chain = nextChain(event, { before: memory.chain, newId });
  return { chain, chainId: userValue(event, 'chainId') || chain.id };
}

const ATTEMPT = /^(?:Install|Upgrade)(?:Succeeded|Failed)$/;

/**
 * For a HelmRelease, each attempt to install or upgrade starts a chain, which its tests, its rollback and its uninstall
 * remediation continue. A removal and its repeats are one chain of their own. For all other kinds, each revision is a
 * chain, and so is a deletion.
 * @param newId makes the id of a chain that starts here
 */
export function nextChain(
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

/** A Kustomization that is deleted: Flux 2.10 says so in `action`; before that, its success has no commit status. */
const isDeletion = (event: FluxEvent): boolean =>
  event.involvedObject.kind === 'Kustomization' &&
  event.reason === 'ReconciliationSucceeded' &&
  (event.action === 'Finalize' || groupValue(event, 'commit_status') === undefined);
