import type { Writes } from '../protocol.ts';
import type { Store } from './store.ts';

const STEP = 2_000;

/** Makes waiting retries of a Provider due. @returns how many; 0 when there are no more */
export function wake(store: Store, [providerName, at]: Parameters<Writes['wake']>): number {
  const provider = store.providers.find(providerName);
  if (!provider) return 0;
  let woken = store.db.run(
    `UPDATE entry SET due_at = ? WHERE seq IN
       (SELECT seq FROM entry WHERE provider = ? AND state = 0 AND due_at > ? LIMIT ${STEP})`,
    at,
    provider.id,
    at,
  );
  // One that was overtaken by a replay waits behind it, and for its time as well.
  woken += store.db.run(
    `UPDATE entry SET due_at = ? WHERE seq IN
       (SELECT seq FROM entry WHERE provider = ? AND state = 1 AND attempts > 0 AND due_at > ? LIMIT ${STEP})`,
    at,
    provider.id,
    at,
  );
  if (woken > 0) store.turns.touch(provider, at);
  return woken;
}
