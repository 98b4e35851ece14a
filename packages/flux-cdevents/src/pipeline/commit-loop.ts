import type { Commit, EventStore, Receipt } from '../outbox/event-store.ts';
import type { EventEntries } from './event-entries.ts';

/** The parts of a commit that are known before the event is mapped, and how to map it. */
export interface MappedCommit extends Pick<Commit, 'object' | 'mark' | 'replaces'> {
  /** Called again with the new memory each time another event of the object was committed first. */
  readonly map: (recalled: string | undefined) => EventEntries | Promise<EventEntries>;
}

export interface CommitResult {
  /** The mapping that was committed. */
  readonly mapped: EventEntries;
  /** `nothing`: there is neither an entry nor anything to remember, so nothing was committed. */
  readonly receipt: Exclude<Receipt, { readonly status: 'conflict' }> | { readonly status: 'nothing' };
}

/**
 * Recalls the memory of an object, maps an event with it, and commits the result if the memory still has the recalled
 * version. On a conflict it starts over.
 */
export async function commitMapped(
  store: EventStore,
  { object, map, mark, replaces }: MappedCommit,
): Promise<CommitResult> {
  for (;;) {
    const { version, memory } = await store.recall(object);
    const mapped = await map(memory);
    const { entries, remember } = mapped;
    if (entries.length === 0 && remember === undefined && !replaces) return { mapped, receipt: { status: 'nothing' } };
    const receipt = await store.commit({
      object,
      expect: version,
      entries,
      ...(remember !== undefined && { remember }),
      ...(mark && { mark }),
      ...(replaces && { replaces }),
    });
    if (receipt.status !== 'conflict') return { mapped, receipt };
  }
}
