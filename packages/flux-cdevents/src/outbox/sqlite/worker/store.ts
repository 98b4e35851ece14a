import { type Database, isFull } from './database.ts';
import { PLACE_STRIDE } from './entries.ts';
import { createKeyIndex, type KeyIndex } from './key-index.ts';
import { createLeases, type Leases } from './leases.ts';
import { createProviders, type Providers } from './providers.ts';
import { createTurns, type Turns } from './turns.ts';
import { createTypes, type Types } from './types.ts';

/** The file, and what the worker keeps in memory about it. */
export interface Store {
  readonly db: Database;
  readonly providers: Providers;
  readonly types: Types;
  /** Entry ids to places. */
  readonly ids: KeyIndex;
  /** Duplicate keys to when they expire. */
  readonly marks: KeyIndex;
  readonly leases: Leases;
  readonly turns: Turns;
  /** The place of the next entry. */
  nextSeq(): number;
  /** Runs the work in one transaction. When it throws, the file and the memory are as before. */
  transaction<T>(work: () => T): T;
}

/** @param run tells the leases of this run from those of an earlier one */
export function createStore(db: Database, run: string): Store {
  const providers = createProviders(db);
  const types = createTypes(db);
  const ids = createKeyIndex(db, 'entry_id');
  const marks = createKeyIndex(db, 'mark');
  const leases = createLeases(run);
  const turns = createTurns();
  const [last] = db.get<[number | null]>('SELECT max(seq) FROM entry') ?? [null];
  let seq = (Math.floor((last ?? 0) / PLACE_STRIDE) + 1) * PLACE_STRIDE;
  // The first claims find out what is due when.
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

/** A write-ahead log that starts over needs no room on the disk for what comes next, such as what makes room. */
function startLogOver(db: Database): void {
  try {
    db.exec('PRAGMA wal_checkpoint(RESTART)');
  } catch {
    // Not even that: then it waits until there is room.
  }
}
