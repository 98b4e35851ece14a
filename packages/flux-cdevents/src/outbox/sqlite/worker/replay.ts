import type { Writes } from '../protocol.ts';
import { DELIVERED, revive } from './entries.ts';
import { isSettled, select } from './select.ts';
import type { Store } from './store.ts';

/** Entries a step: what else is in the batch waits for them. */
const STEP = 500;

/** Dead letters and delivered entries become pending again, at their old places, oldest first. */
export function replay(
  store: Store,
  [filter, after, at, expiresAt, remap]: Parameters<Writes['replay']>,
): ReturnType<Writes['replay']> {
  const states = (filter.states ?? ['delivered', 'dead-letter']).filter(
    (state) => state === 'delivered' || state === 'dead-letter',
  );
  const { selected, next } = select(store, { ...filter, states }, { order: 'ASC', from: after, limit: STEP });
  let count = 0;
  for (const row of selected) {
    if (!isSettled(row)) continue;
    const provider = store.providers.byId(row.provider);
    revive(store, { seq: row.seq, provider, key: row.key }, { at, expiresAt });
    if (remap) {
      store.db.run('UPDATE entry SET type = ? WHERE seq = ?', store.types.intern('unmapped'), row.seq);
      store.db.run('UPDATE payload SET message = NULL WHERE seq = ?', row.seq);
    }
    store.providers.add(provider, row.state === DELIVERED ? 'delivered' : 'deadLetters', -1);
    store.providers.add(provider, 'undelivered', 1);
    count++;
  }
  return [count, next];
}
