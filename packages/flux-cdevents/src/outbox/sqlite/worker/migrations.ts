import { FluxCDEventsError } from '../../../errors.ts';
import { corrupt, type Database } from './database.ts';

/** Marks the file as a store of flux-cdevents: `FCDE`. */
const APPLICATION_ID = 0x46434445;

/**
 * The schema, one step for each version. Steps only go forward, and a released step is never changed.
 *
 * `entry` has the columns that change or are searched, a few dozen bytes for each row. `payload` is written once.
 * `entry_id` maps the id of an entry to its `seq`, and `mark` maps a duplicate key to its expiry: see `key-index.ts`.
 * `entry.key` is a hash of the ordering key. `seq` is the place in the queue. `entries.ts` explains it and `state`.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE provider (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     undelivered INTEGER NOT NULL DEFAULT 0,
     delivered INTEGER NOT NULL DEFAULT 0,
     dead_letters INTEGER NOT NULL DEFAULT 0
   );
   CREATE TABLE type (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
   CREATE TABLE entry (
     seq INTEGER PRIMARY KEY,
     provider INTEGER NOT NULL,
     type INTEGER NOT NULL,
     state INTEGER NOT NULL,
     key INTEGER,
     attempts INTEGER NOT NULL,
     accepted_at INTEGER NOT NULL,
     due_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     settled_at INTEGER,
     last_error TEXT
   );
   CREATE TABLE payload (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL,
     alert TEXT NOT NULL,
     ordering_key TEXT,
     object TEXT NOT NULL,
     reason TEXT NOT NULL,
     partition_key TEXT,
     source TEXT NOT NULL,
     message TEXT
   );
   CREATE TABLE entry_id (
     generation INTEGER NOT NULL,
     key TEXT NOT NULL,
     value INTEGER NOT NULL,
     PRIMARY KEY (generation, key)
   ) WITHOUT ROWID;
   CREATE TABLE entry_id_log (place INTEGER PRIMARY KEY, key TEXT NOT NULL, value INTEGER NOT NULL);
   CREATE INDEX entry_claimable ON entry (provider, due_at) WHERE state = 0;
   CREATE INDEX entry_of_key ON entry (key) WHERE key IS NOT NULL AND state <= 1;
   CREATE INDEX entry_undelivered ON entry (provider) WHERE state <= 1;
   CREATE INDEX entry_expiring ON entry (expires_at) WHERE state <= 1;
   CREATE INDEX entry_blocked_retry ON entry (provider) WHERE state = 1 AND attempts > 0;
   CREATE INDEX entry_delivered ON entry (settled_at) WHERE state = 2;
   CREATE INDEX entry_dead_letter ON entry (state) WHERE state = 3;
   CREATE INDEX entry_dead_letter_age ON entry (settled_at) WHERE state = 3;
   CREATE TABLE memory (
     object TEXT PRIMARY KEY,
     version INTEGER NOT NULL,
     used_at INTEGER NOT NULL,
     memory TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX memory_used ON memory (used_at);
   CREATE TABLE mark (
     generation INTEGER NOT NULL,
     key TEXT NOT NULL,
     value INTEGER NOT NULL,
     PRIMARY KEY (generation, key)
   ) WITHOUT ROWID;
   CREATE TABLE mark_log (place INTEGER PRIMARY KEY, key TEXT NOT NULL, value INTEGER NOT NULL);
   CREATE TABLE generation (
     of TEXT NOT NULL,
     number INTEGER NOT NULL,
     filter BLOB NOT NULL,
     PRIMARY KEY (of, number)
   );
   CREATE TABLE stop (
     provider TEXT PRIMARY KEY,
     fingerprint TEXT NOT NULL,
     reason TEXT NOT NULL,
     at INTEGER NOT NULL
   ) WITHOUT ROWID;`,
  // From now on an entry without an event type has type 0, and an entry without a source has an empty source. In
  // version 1 `flux`, `forward` and `unmapped` were types. A forwarded entry had its body in the source as well, which
  // stayed there when a remap removed the message.
  `ALTER TABLE provider ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE entry ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE entry ADD COLUMN has_message INTEGER NOT NULL DEFAULT 1;
   UPDATE entry SET kind = 1, type = 0 WHERE type = (SELECT id FROM type WHERE name = 'flux');
   UPDATE entry SET kind = 2, type = 0 WHERE provider = (SELECT id FROM provider WHERE name = '_/forward-to');
   UPDATE entry SET type = 0 WHERE type IN (SELECT id FROM type WHERE name IN ('unmapped', 'forward'));
   DELETE FROM type WHERE name IN ('flux', 'forward', 'unmapped');
   UPDATE payload SET message = substr(source, 10, length(source) - 24)
     WHERE message IS NULL AND seq IN (SELECT seq FROM entry WHERE kind = 2);
   UPDATE entry SET has_message = 0 WHERE seq IN (SELECT seq FROM payload WHERE message IS NULL);
   UPDATE provider SET waiting =
     (SELECT count(*) FROM entry WHERE provider = provider.id AND state <= 1 AND has_message = 0);`,
];

/**
 * Brings the file to the newest version.
 * @param migrations tests pass another list
 * @throws {FluxCDEventsError} `FCE_STORE_TOO_NEW`, or `FCE_STORE_CORRUPT` when the file belongs to another program
 */
export function migrate(db: Database, path: string, migrations: readonly string[] = MIGRATIONS): void {
  const version = pragma(db, 'user_version');
  if (pragma(db, 'application_id') !== APPLICATION_ID && !isEmpty(db)) {
    throw corrupt(path, 'not a store of flux-cdevents');
  }
  if (version > migrations.length) {
    throw new FluxCDEventsError(
      'FCE_STORE_TOO_NEW',
      `store ${path}: it has version ${version}, this flux-cdevents reads up to ${migrations.length}. ` +
        'Run the newer flux-cdevents that wrote it, or use another --data-dir',
    );
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    try {
      db.exec(`BEGIN IMMEDIATE; ${sql};
        PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}; COMMIT`);
    } catch (cause) {
      if (db.inTransaction) db.exec('ROLLBACK');
      throw cause;
    }
  }
}

const pragma = (db: Database, name: string): number => db.get<[number]>(`PRAGMA ${name}`)?.[0] ?? 0;
const isEmpty = (db: Database): boolean => db.get('SELECT 1 FROM sqlite_schema LIMIT 1') === undefined;
