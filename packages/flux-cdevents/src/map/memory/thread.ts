import type { LastEvent } from './memory.ts';

/** The CDEvents of one event, as they follow on those that their chain had before. */
export interface Thread {
  /** The CDEvent that one with this id follows on. */
  previousOf(id: string): string | undefined;
  add(id: string): void;
  /** What to remember: undefined when nothing was added. */
  after(): LastEvent | undefined;
}

/**
 * @param last the last event of which something was sent; one that comes again takes its own place
 */
export function createThread(chainId: string, last: LastEvent | undefined): Thread {
  const known = last?.chainId === chainId ? last : undefined;
  const ids: string[] = [];
  let before: string | undefined;
  const previousOf = (id: string) => ids.at(-1) ?? (known?.ids.includes(id) ? known.before : known?.ids.at(-1));
  return {
    previousOf,
    add(id) {
      if (ids.length === 0) before = previousOf(id);
      ids.push(id);
    },
    after: () => (ids.length === 0 ? undefined : { chainId, ids, ...(before !== undefined && { before }) }),
  };
}
