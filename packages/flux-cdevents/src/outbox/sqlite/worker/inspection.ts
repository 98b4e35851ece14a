import type { EntrySummary } from '../../entry.ts';
import type { ProviderStats } from '../../inspection.ts';
import { findEntry, summaryBytes, summaryOf } from './entries.ts';
import type { Operations } from './operation.ts';
import { toName } from './providers.ts';
import { select } from './select.ts';

export const inspection: Operations<'list' | 'show' | 'stats'> = {
  list: {
    mode: 'read',
    /** Reads the next entries before a place, newest first, in one bounded step. */
    run(store, { filter, limit, maxBytes, before }) {
      const { selected, next } = select(store, filter, { order: 'DESC', from: before, limit });
      const rows: { place: number; entry: EntrySummary }[] = [];
      let bytes = 0;
      for (const { seq } of selected) {
        const entry = summaryOf(store, seq);
        const size = summaryBytes(entry);
        if (rows.length > 0 && bytes + size > maxBytes) return { rows, bytes, next: rows.at(-1)?.place ?? before };
        rows.push({ place: seq, entry });
        bytes += size;
      }
      return { rows, bytes, ...(next !== undefined && { next }) };
    },
  },

  show: {
    mode: 'read',
    run(store, id) {
      const seq = store.ids.find(id);
      return seq === undefined ? undefined : findEntry(store, seq);
    },
  },

  stats: {
    mode: 'read',
    run(store, _, at) {
      const all: ProviderStats[] = [];
      for (const {
        id,
        name,
        undelivered,
        waiting,
        leased,
        leasedWaiting,
        delivered,
        deadLetters,
      } of store.providers.all()) {
        if (undelivered + delivered + deadLetters === 0) continue;
        const oldest =
          undelivered === 0
            ? undefined
            : store.db.get<[acceptedAt: number]>(
                'SELECT accepted_at FROM entry WHERE provider = ? AND state <= 1 ORDER BY seq LIMIT 1',
                id,
              );
        all.push({
          provider: toName(name),
          counts: {
            waiting: waiting - leasedWaiting,
            pending: undelivered - waiting - (leased - leasedWaiting),
            delivering: leased,
            delivered,
            'dead-letter': deadLetters,
          },
          ...(oldest && { oldestAgeMs: Math.max(0, at - oldest[0]) }),
        });
      }
      return all;
    },
  },
};
