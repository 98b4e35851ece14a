import type { Commit, EventStore, Receipt } from '../outbox/event-store.ts';
import type { EventEntries } from './event-entries.ts';

/** What of a commit is known before the event is mapped, and how to map it. */
export interface MappedCommit extends Pick<Commit, 'object' | 'mark' | 'replaces'> {
  /** Called again with what is remembered by then, each time that another event of the object was faster. */
  readonly map: (recalled: string | undefined) => EventEntries;
}

export interface CommitResult {
  /** The mapping that was committed. */
  readonly mapped: EventEntries;
  /** `nothing`: there is neither an entry nor anything to remember, so nothing was committed. */
  readonly receipt: Exclude<Receipt, { readonly status: 'conflict' }> | { readonly status: 'nothing' };
}

/**
 * Recalls what is remembered of an object, maps an event against it, and commits what the event causes against the
 * version that was recalled. On a conflict it starts over.
 */
export async function commitMapped(
  store: EventStore,
  { object, map, mark, replaces }: MappedCommit,
): Promise<CommitResult> {
  for (;;) {
    const { version, memory } = await store.recall(object);
    const mapped = map(memory);
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
