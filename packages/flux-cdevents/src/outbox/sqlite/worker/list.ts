import type { Reads } from '../protocol.ts';
import { loadEntry } from './entries.ts';
import { select } from './select.ts';
import type { Store } from './store.ts';

/** The next entries before a place, newest first, in a step of bounded size. */
export function list(store: Store, [filter, limit, before]: Parameters<Reads['list']>): ReturnType<Reads['list']> {
  const { selected, next } = select(store, filter, { order: 'DESC', from: before, limit });
  return [selected.map(({ seq }) => [seq, loadEntry(store, seq)] as const), next];
}
