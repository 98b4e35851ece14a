import type { StopRow, Writes } from '../protocol.ts';
import type { Store } from './store.ts';

export function stop(store: Store, [provider, fingerprint, reason, at]: Parameters<Writes['stop']>): void {
  store.db.run(
    'INSERT OR REPLACE INTO stop (provider, fingerprint, reason, at) VALUES (?, ?, ?, ?)',
    provider,
    fingerprint,
    reason,
    at,
  );
}

export function resume(store: Store, provider: string): void {
  store.db.run('DELETE FROM stop WHERE provider = ?', provider);
}

export const stops = (store: Store): StopRow[] =>
  store.db.all<[string, string, string, number]>(
    'SELECT provider, fingerprint, reason, at FROM stop ORDER BY provider',
  );
