/** The CDEvents that an event became, and the one before them, so that an event that comes again is linked as it was. */
export interface ThreadMemory {
  readonly chainId: string;
  /** The ids of those CDEvents, in order. */
  readonly ids: readonly string[];
  readonly before?: string;
}

/** The CDEvents of one event, in their order after those that their chain already has. */
export interface Thread {
  /** The id of the CDEvent that precedes the one with this id. */
  previousOf(id: string): string | undefined;
  add(id: string): void;
  /** What to remember; undefined when nothing was added. */
  after(): ThreadMemory | undefined;
}

/** @param last the last event with a CDEvent that was sent; when it comes again, it takes its own place */
export function createThread(chainId: string, last: ThreadMemory | undefined): Thread {
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
