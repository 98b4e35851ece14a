import type { Retention } from '../../outbox.ts';
import { count, DEAD_LETTER, DELIVERED, removeEntry } from './entries.ts';
import type { Operations } from './operation.ts';
import type { Store } from './store.ts';

/** Rows in one step. The other calls of the batch wait for the step. */
const STEP = 500;

type Row = [seq: number, provider: number];

export const retention: Operations<'purge'> = {
  purge: {
    mode: 'write',
    /** Removes the cheapest rows first. @returns how many rows; 0 when nothing is left to remove */
    run(store, { deadLetterMs, memoryMs, ...delivered }, at) {
      let left = STEP;
      left -= store.marks.removeUpTo(at, left);
      left -= remove(store, DELIVERED, deliveredToGo(store, delivered, at, left));
      left -= remove(
        store,
        DEAD_LETTER,
        store.db.all<Row>(
          `SELECT seq, provider FROM entry INDEXED BY entry_dead_letter_age
           WHERE state = 3 AND settled_at <= ? ORDER BY settled_at LIMIT ?`,
          at - deadLetterMs,
          left,
        ),
      );
      left -= store.db.run(
        'DELETE FROM memory WHERE object IN (SELECT object FROM memory WHERE used_at <= ? ORDER BY used_at LIMIT ?)',
        at - memoryMs,
        left,
      );
      if (left === STEP) {
        store.ids.dropEmpty();
        store.marks.dropEmpty();
      }
      return STEP - left;
    },
  },
};

/** Removes the oldest delivered entries, whatever the retention says. @returns how many */
export const purgeDelivered = (store: Store, limit: number): number =>
  remove(
    store,
    DELIVERED,
    store.db.all<Row>('SELECT seq, provider FROM entry WHERE state = 2 ORDER BY settled_at LIMIT ?', limit),
  );

function deliveredToGo(
  store: Store,
  { deliveredMs, deliveredCount }: Pick<Retention, 'deliveredMs' | 'deliveredCount'>,
  at: number,
  limit: number,
): Row[] {
  let tooMany = -deliveredCount;
  for (const { delivered } of store.providers.all()) tooMany += delivered;
  const tooOld = store.db.all<Row>(
    'SELECT seq, provider FROM entry WHERE state = 2 AND settled_at <= ? ORDER BY settled_at LIMIT ?',
    at - deliveredMs,
    limit,
  );
  if (tooOld.length >= tooMany) return tooOld;
  return store.db.all<Row>(
    'SELECT seq, provider FROM entry WHERE state = 2 ORDER BY settled_at LIMIT ?',
    Math.min(tooMany, limit),
  );
}

function remove(store: Store, state: typeof DELIVERED | typeof DEAD_LETTER, rows: readonly Row[]): number {
  for (const [seq, provider] of rows) {
    removeEntry(store, seq);
    count(store, store.providers.byId(provider), { state, hasMessage: 1 }, -1);
  }
  return rows.length;
}
