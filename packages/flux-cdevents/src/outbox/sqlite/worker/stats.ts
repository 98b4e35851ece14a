import type { StatsRow } from '../protocol.ts';
import type { Store } from './store.ts';

export function stats(store: Store): StatsRow[] {
  const rows: StatsRow[] = [];
  for (const { id, name, undelivered, leased, delivered, deadLetters } of store.providers.all()) {
    if (undelivered + delivered + deadLetters === 0) continue;
    const oldest =
      undelivered === 0
        ? undefined
        : store.db.get<[number]>(
            'SELECT accepted_at FROM entry WHERE provider = ? AND state <= 1 ORDER BY seq LIMIT 1',
            id,
          );
    rows.push([name, undelivered - leased, leased, delivered, deadLetters, oldest?.[0] ?? null]);
  }
  return rows;
}
