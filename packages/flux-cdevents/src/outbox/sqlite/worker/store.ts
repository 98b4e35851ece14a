import { type Database, isFull } from './database.ts';
import { createKeyIndex, type KeyIndex } from './key-index.ts';
import { createLeases, type Leases } from './leases.ts';
import { createProviders, type Providers } from './providers.ts';
import { createTurns, type Turns } from './turns.ts';
import { createTypes, type Types } from './types.ts';

/** The distance between neighbouring places. It leaves room for several entries to replace one. */
export const PLACE_STRIDE = 1024;

/** The file, and what the worker keeps in memory for it. */
export interface Store {
  readonly db: Database;
  readonly providers: Providers;
  readonly types: Types;
  /** Maps entry ids to places. */
  readonly ids: KeyIndex;
  /** Maps duplicate keys to their expiry, epoch ms. */
  readonly marks: KeyIndex;
  readonly leases: Leases;
  readonly turns: Turns;
  /** The place of the next entry. */
  nextSeq(): number;
  /** Runs `work` in one transaction. If it throws, the file and the memory stay unchanged. */
  transaction<T>(work: () => T): T;
}

/** @param run distinguishes the leases of this run from those of earlier runs */
export function createStore(db: Database, run: string): Store {
  const providers = createProviders(db);
  const types = createTypes(db);
  const ids = createKeyIndex(db, 'entry_id');
  const marks = createKeyIndex(db, 'mark');
  const leases = createLeases(run);
  const turns = createTurns();
  const [last] = db.get<[number | null]>('SELECT max(seq) FROM entry') ?? [null];
  let seq = (Math.floor((last ?? 0) / PLACE_STRIDE) + 1) * PLACE_STRIDE;
  // The real due times are unknown until the first claims read them from the file.
  for (const provider of providers.all()) if (provider.undelivered > 0) turns.touch(provider, 0);

  const rollBack = (cause: unknown): void => {
    if (db.inTransaction) db.exec('ROLLBACK');
    providers.rolledBack();
    types.rolledBack();
    ids.rolledBack();
    marks.rolledBack();
    leases.rolledBack();
    if (isFull(cause)) startLogOver(db);
  };

  return {
    db,
    providers,
    types,
    ids,
    marks,
    leases,
    turns,
    nextSeq() {
      const place = seq;
      seq += PLACE_STRIDE;
      return place;
    },
    transaction(work) {
      db.exec('BEGIN IMMEDIATE');
      leases.begin();
      try {
        const result = work();
        providers.flush();
        db.exec('COMMIT');
        providers.committed();
        ids.committed();
        marks.committed();
        return result;
      } catch (cause) {
        rollBack(cause);
        throw cause;
      }
    },
  };
}

/** Restarts the write-ahead log, so that the next writes, which may free space, need no space on the disk. */
export function startLogOver(db: Database): void {
  try {
    db.exec('PRAGMA wal_checkpoint(RESTART)');
  } catch {
    // Even that needs space. The store stays unavailable until there is some.
  }
}
