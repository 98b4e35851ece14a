import { nameOf } from '../../../flux/object-ref.ts';
import { expiredError, withLastError } from '../../dead-letter-error.ts';
import type { EntryFilter } from '../../inspection.ts';
import {
  count,
  DEAD_LETTER,
  endLease,
  KINDS,
  promote,
  READY,
  removeEntry,
  revive,
  summaryBytes,
  summaryOf,
} from './entries.ts';
import type { Operations } from './operation.ts';
import { type Selection, select } from './select.ts';
import type { Store } from './store.ts';
import { endExpiredLeases } from './work-queue.ts';

/** Entries in one step. The other calls of the batch wait for the step. */
const STEP = 500;
/** The maximum size of the texts that one step writes again or returns. One entry may be larger. */
const STEP_BYTES = 8 * 1024 * 1024;

export const deadLetters: Operations<'replay' | 'discard' | 'abandon' | 'expire'> = {
  replay: {
    mode: 'write',
    run(store, { filter, replay: { maxAgeMs, remap }, after }, at) {
      const step = selectSettled(store, filter, ['delivered', 'dead-letter'], after);
      // A remap writes the whole payload again.
      const selection = remap ? withinBytes(store, step) : step;
      for (const row of selection.selected) {
        const provider = store.providers.byId(row.provider);
        const isRemapped = remap && KINDS[row.kind] !== 'forward';
        revive(store, { ...row, provider }, { at, expiresAt: at + maxAgeMs, remap: isRemapped });
      }
      return toStep(selection);
    },
  },

  discard: {
    mode: 'write',
    run(store, { filter, after }) {
      const step = selectSettled(store, filter, ['dead-letter'], after);
      for (const row of step.selected) {
        removeEntry(store, row.seq);
        count(store, store.providers.byId(row.provider), row, -1);
      }
      return toStep(step);
    },
  },

  abandon: {
    mode: 'write',
    run(store, { provider: name, error }, at) {
      const provider = store.providers.find(nameOf(name));
      if (!provider) return 0;
      const rows = store.db.all<Row>(
        `SELECT ${COLUMNS} FROM entry WHERE provider = ? AND state <= 1 ORDER BY seq LIMIT ${STEP}`,
        provider.id,
      );
      for (const [seq] of rows) {
        const lease = store.leases.of(seq);
        if (lease) endLease(store, lease);
      }
      giveUp(store, rows, (_, lastError) => withLastError(error, lastError), at);
      return rows.length;
    },
  },

  expire: {
    mode: 'write',
    run(store, graceMs, at) {
      endExpiredLeases(store, at);
      const rows: Row[] = [];
      let bytes = 0;
      for (const row of store.db.each<Row>(
        `SELECT ${COLUMNS} FROM entry WHERE state <= 1 AND expires_at <= ? ORDER BY expires_at`,
        at - graceMs,
      )) {
        const [seq] = row;
        if (store.leases.of(seq)) continue;
        rows.push(row);
        bytes += summaryBytes(summaryOf(store, seq));
        if (rows.length === STEP || bytes > STEP_BYTES) break;
      }
      giveUp(store, rows, expiredError, at);
      return rows.map(([seq]) => summaryOf(store, seq));
    },
  },
};

/** The next entries, oldest first, in those of the given states that the filter allows. */
function selectSettled(
  store: Store,
  filter: EntryFilter,
  settled: readonly ('delivered' | 'dead-letter')[],
  after: number,
): Selection {
  const states = settled.filter((state) => filter.states === undefined || filter.states.includes(state));
  return select(store, { ...filter, states }, { order: 'ASC', from: after, limit: STEP });
}

/** The first entries of a step, as many as are small enough together, and at least one. */
function withinBytes(store: Store, { selected, next }: Selection): Selection {
  let bytes = 0;
  for (const [index, { seq }] of selected.entries()) {
    bytes += store.db.get<[number]>('SELECT octet_length(source) FROM payload WHERE seq = ?', seq)?.[0] ?? 0;
    const before = selected[index - 1];
    if (before && bytes > STEP_BYTES) return { selected: selected.slice(0, index), next: before.seq };
  }
  return { selected, ...(next !== undefined && { next }) };
}

const toStep = ({ selected, next }: Selection) => ({
  count: selected.length,
  ...(next !== undefined && { next }),
});

const COLUMNS = 'seq, provider, key, has_message, attempts, last_error';
type Row = [
  seq: number,
  provider: number,
  key: number | null,
  hasMessage: number,
  attempts: number,
  lastError: string | null,
];

/** Turns undelivered entries that are not under lease into dead letters. */
function giveUp(
  store: Store,
  rows: readonly Row[],
  errorOf: (attempts: number, lastError: string | undefined) => string,
  at: number,
): void {
  const keys = new Set<number>();
  for (const [seq, providerId, key, hasMessage, attempts, lastError] of rows) {
    store.db.run(
      'UPDATE entry SET state = 3, settled_at = ?, last_error = ? WHERE seq = ?',
      at,
      errorOf(attempts, lastError ?? undefined),
      seq,
    );
    const provider = store.providers.byId(providerId);
    count(store, provider, { state: READY, hasMessage }, -1);
    count(store, provider, { state: DEAD_LETTER, hasMessage }, 1);
    if (key !== null) keys.add(key);
  }
  for (const key of keys) promote(store, key);
}
