import type { FilterMessage } from '../protocol.ts';
import { BLOCKED, publicState } from './entries.ts';
import type { Store } from './store.ts';

/** What a filter looks at. */
export interface Selected {
  readonly seq: number;
  readonly provider: number;
  readonly state: number;
  readonly key: number | null;
}

type Light = [seq: number, provider: number, type: number, state: number, key: number | null, acceptedAt: number];
const LIGHT = 'seq, provider, type, state, key, accepted_at';

/** So many entries are looked at in one step. */
const LOOK_AT = 5_000;

export interface Selection {
  readonly selected: readonly Selected[];
  /** The place of the last entry that was looked at; null when there are no more. */
  readonly next: number | null;
}

/**
 * Selects entries in the order of their places from `from` (exclusive) on, in one step of bounded size.
 * @param limit at most so many
 */
export function select(
  store: Store,
  filter: FilterMessage,
  { order, from, limit }: { readonly order: 'ASC' | 'DESC'; readonly from: number; readonly limit: number },
): Selection {
  const matches = matcher(store, filter);
  const selected: Selected[] = [];
  let looked = 0;
  for (const row of candidates(store, filter, order, from)) {
    const [seq, provider, , state, key] = row;
    if (matches(row)) selected.push({ seq, provider, state, key });
    if (selected.length === limit || ++looked === LOOK_AT) return { selected, next: seq };
  }
  return { selected, next: null };
}

/** The smallest part of the entries that holds all that match. */
function candidates(store: Store, filter: FilterMessage, order: 'ASC' | 'DESC', from: number): Iterable<Light> {
  const { db } = store;
  const states = filter.states && new Set(filter.states);
  const beyond = order === 'ASC' ? 'seq > ?' : 'seq < ?';
  if (filter.ids) return light(store, seqsOf(store, filter.ids), order, from);
  if (states?.size === 0) return [];
  if (states?.size === 1 && states.has('delivering')) {
    return light(
      store,
      Array.from(store.leases.all(), (lease) => lease.seq),
      order,
      from,
    );
  }
  if (states?.size === 1 && states.has('dead-letter')) {
    return db.each(`SELECT ${LIGHT} FROM entry WHERE state = 3 AND ${beyond} ORDER BY seq ${order}`, from);
  }
  if (filter.provider && states && !states.has('delivered') && !states.has('dead-letter')) {
    return db.each(
      `SELECT ${LIGHT} FROM entry WHERE provider = ? AND state <= 1 AND ${beyond} ORDER BY seq ${order}`,
      store.providers.find(filter.provider)?.id ?? 0,
      from,
    );
  }
  return db.each(`SELECT ${LIGHT} FROM entry WHERE ${beyond} ORDER BY seq ${order}`, from);
}

function* light(store: Store, seqs: readonly number[], order: 'ASC' | 'DESC', from: number): Iterable<Light> {
  const ascending = order === 'ASC';
  const rest = seqs.filter((seq) => (ascending ? seq > from : seq < from));
  for (const seq of rest.sort((a, b) => (ascending ? a - b : b - a))) {
    const row = store.db.get<Light>(`SELECT ${LIGHT} FROM entry WHERE seq = ?`, seq);
    if (row) yield row;
  }
}

/** The places of the entries whose id begins with one of these. An empty text is the start of none. */
function seqsOf(store: Store, ids: readonly string[]): number[] {
  const seqs = new Set<number>();
  for (const start of ids) {
    if (start === '') continue;
    for (const seq of store.ids.startingWith(start)) seqs.add(seq);
  }
  return [...seqs];
}

function matcher(store: Store, { states, provider, type, since }: FilterMessage): (row: Light) => boolean {
  const wantedProvider = provider === undefined ? undefined : (store.providers.find(provider)?.id ?? 0);
  const isWantedType = type === undefined ? undefined : typeMatcher(store, type);
  return ([seq, ofProvider, ofType, state, , acceptedAt]) =>
    (wantedProvider === undefined || ofProvider === wantedProvider) &&
    (since === undefined || acceptedAt >= since) &&
    (isWantedType === undefined || isWantedType(ofType)) &&
    (states === undefined || states.includes(publicState(store, seq, state)));
}

/** By the full type or its start, or by the event name in it. */
function typeMatcher(store: Store, type: string): (id: number) => boolean {
  const starts = [type, `dev.cdevents.${type}.`, `dev.cdeventsx.${type}.`];
  const known = new Map<number, boolean>();
  return (id) => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const name = store.types.name(id);
    const matches = starts.some((start) => name.startsWith(start));
    known.set(id, matches);
    return matches;
  };
}

export const isSettled = ({ state }: Selected): boolean => state > BLOCKED;
