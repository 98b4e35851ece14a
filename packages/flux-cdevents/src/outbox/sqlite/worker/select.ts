import { type NamespacedName, nameOf } from '../../../flux/object-ref.ts';
import type { EntryFilter } from '../../inspection.ts';
import { KINDS, publicState } from './entries.ts';
import type { Store } from './store.ts';
import { NO_TYPE_ID } from './types.ts';

/** An entry that a filter selected. */
export interface Selected {
  readonly seq: number;
  readonly provider: number;
  readonly kind: number;
  readonly state: number;
  readonly key: number | null;
  readonly hasMessage: number;
}

/** The columns that a filter examines. */
type Light = [
  seq: number,
  provider: number,
  kind: number,
  type: number,
  hasMessage: number,
  state: number,
  key: number | null,
  acceptedAt: number,
];
const LIGHT = 'seq, provider, kind, type, has_message, state, key, accepted_at';

/** The maximum number of entries that one step examines. */
const LOOK_AT = 5_000;

export interface Selection {
  readonly selected: readonly Selected[];
  /** The place of the last examined entry. Absent when there are no more entries. */
  readonly next?: number;
}

/**
 * Selects entries in one bounded step, in the order of their places, beginning after `from`.
 * @param limit the maximum number of selected entries
 */
export function select(
  store: Store,
  filter: EntryFilter,
  { order, from, limit }: { readonly order: 'ASC' | 'DESC'; readonly from: number; readonly limit: number },
): Selection {
  const matches = matcher(store, filter);
  const selected: Selected[] = [];
  let looked = 0;
  for (const row of candidates(store, filter, order, from)) {
    const [seq, provider, kind, , hasMessage, state, key] = row;
    if (matches(row)) selected.push({ seq, provider, kind, state, key, hasMessage });
    if (selected.length === limit || ++looked === LOOK_AT) return { selected, next: seq };
  }
  return { selected };
}

/** The smallest set that an index can find and that includes every match. */
function candidates(store: Store, filter: EntryFilter, order: 'ASC' | 'DESC', from: number): Iterable<Light> {
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
      idOf(store, filter.provider),
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

/** The places of the entries whose ids start with one of these texts. An empty text matches nothing. */
function seqsOf(store: Store, ids: readonly string[]): number[] {
  const seqs = new Set<number>();
  for (const start of ids) {
    if (start === '') continue;
    for (const seq of store.ids.startingWith(start)) seqs.add(seq);
  }
  return [...seqs];
}

/** 0 for a Provider without entries. */
const idOf = (store: Store, provider: NamespacedName): number => store.providers.find(nameOf(provider))?.id ?? 0;

function matcher(
  store: Store,
  { states, kinds, provider, types, mapped, since }: EntryFilter,
): (row: Light) => boolean {
  const wantedProvider = provider && idOf(store, provider);
  const wantedKinds = kinds?.map((kind) => KINDS.indexOf(kind));
  const isWantedType = types && typeMatcher(store, types);
  return ([seq, ofProvider, kind, type, hasMessage, state, , acceptedAt]) =>
    (wantedProvider === undefined || ofProvider === wantedProvider) &&
    (since === undefined || acceptedAt >= since) &&
    (wantedKinds === undefined || wantedKinds.includes(kind)) &&
    (isWantedType === undefined || isWantedType(type)) &&
    (mapped === undefined || (type !== NO_TYPE_ID || hasMessage === 1) === mapped) &&
    (states === undefined || states.includes(publicState(store, seq, { state, hasMessage })));
}

/** Matches types that start with one of these texts. */
function typeMatcher(store: Store, starts: readonly string[]): (id: number) => boolean {
  const known = new Map<number, boolean>([[NO_TYPE_ID, false]]);
  return (id) => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const name = store.types.name(id);
    const matches = starts.some((start) => name.startsWith(start));
    known.set(id, matches);
    return matches;
  };
}
