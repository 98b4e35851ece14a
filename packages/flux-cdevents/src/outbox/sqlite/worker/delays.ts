import { MAX_KEPT_DELAY_MS } from '../../work-queue.ts';
import type { Database } from './database.ts';

/** Makes entries due that would be due only long after the opening. */
export function endLongDelays(db: Database, at: number): void {
  const latest = at + MAX_KEPT_DELAY_MS;
  // Two cheap questions. Entries that cannot be claimed yet are due when they were accepted.
  const isAhead =
    db.get('SELECT 1 FROM (SELECT accepted_at FROM entry ORDER BY seq DESC LIMIT 1) WHERE accepted_at > ?', latest) ??
    db.get(
      'SELECT 1 FROM entry WHERE provider IN (SELECT id FROM provider) AND state = 0 AND due_at > ? LIMIT 1',
      latest,
    );
  if (isAhead) db.run('UPDATE entry SET due_at = ? WHERE state <= 1 AND due_at > ?', at, latest);
}
