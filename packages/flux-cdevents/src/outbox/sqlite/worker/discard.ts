import type { Writes } from '../protocol.ts';
import { removeEntry } from './entries.ts';
import { select } from './select.ts';
import type { Store } from './store.ts';

const STEP = 500;

/** Removes dead letters, oldest first. */
export function discard(store: Store, [filter, after]: Parameters<Writes['discard']>): ReturnType<Writes['discard']> {
  const states = (filter.states ?? ['dead-letter']).filter((state) => state === 'dead-letter');
  const { selected, next } = select(store, { ...filter, states }, { order: 'ASC', from: after, limit: STEP });
  for (const { seq, provider } of selected) {
    removeEntry(store, seq);
    store.providers.add(store.providers.byId(provider), 'deadLetters', -1);
  }
  return [selected.length, next];
}
