import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { FluxCDEventsError, messageOf } from '../../../errors.ts';
import { type FileGuard, guardFile } from './file-guard.ts';
import { lockStore } from './lock.ts';

type Row = readonly unknown[];

/** The database file, accessed through cached prepared statements. Rows are tuples in the order of the columns. */
export interface Database {
  /** @returns how many rows changed */
  run(sql: string, ...values: SQLInputValue[]): number;
  get<R extends Row>(sql: string, ...values: SQLInputValue[]): R | undefined;
  all<R extends Row>(sql: string, ...values: SQLInputValue[]): R[];
  /** Reads rows only as the loop asks for them. The loop must not run the same statement again. */
  each<R extends Row>(sql: string, ...values: SQLInputValue[]): Iterable<R>;
  exec(sql: string): void;
  readonly inTransaction: boolean;
  readonly guard: FileGuard;
  close(): void;
}

/** Primary result codes of SQLite. @see https://www.sqlite.org/rescode.html */
const BUSY = 5;
const NOMEM = 7;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/**
 * Opens the file. If it does not exist, creates it with mode 0600 in a folder with mode 0700, because only its owner
 * may read the queued events. Every commit is synced. The store stays locked until `close`, so no other process can open
 * it, even if the file is deleted or replaced in the meantime.
 * @param maxBytes the maximum size of the file; writes beyond it fail
 * @throws {FluxCDEventsError} `FCE_STORE_LOCKED`, `FCE_STORE_CORRUPT`, `FCE_STORE_UNAVAILABLE`
 */
export function openDatabase(path: string, maxBytes?: number): Database {
  let db: DatabaseSync | undefined;
  let unlock = (): void => {};
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    createFile(`${path}-lock`);
    unlock = lockStore(`${path}-lock`);
    createFile(path);
    db = new DatabaseSync(path, { timeout: 0 });
    // The exclusive mode must come first: WAL then keeps its index in memory, and the first access takes the lock and
    // keeps it.
    db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; BEGIN IMMEDIATE; COMMIT`);
    if (maxBytes !== undefined) {
      const [pageSize] = db.prepare('PRAGMA page_size').all().map(Object.values) as [[number]];
      db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize[0]))}`);
    }
    return wrap(db, guardFile(path), unlock);
  } catch (cause) {
    db?.close();
    unlock();
    throw openingError(path, cause);
  }
}

/** Opens only a new file. Closing a file that this process already has open would release SQLite's lock on it. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
}

function wrap(db: DatabaseSync, guard: FileGuard, unlock: () => void): Database {
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    statements.set(sql, statement);
    return statement;
  };
  return {
    run: (sql, ...values) => prepared(sql).run(...values).changes as number,
    get: <R extends Row>(sql: string, ...values: SQLInputValue[]) =>
      prepared(sql).get(...values) as unknown as R | undefined,
    all: <R extends Row>(sql: string, ...values: SQLInputValue[]) => prepared(sql).all(...values) as unknown as R[],
    each: <R extends Row>(sql: string, ...values: SQLInputValue[]) =>
      prepared(sql).iterate(...values) as unknown as Iterable<R>,
    exec: (sql) => db.exec(sql),
    get inTransaction() {
      return db.isTransaction;
    },
    guard,
    close() {
      db.close();
      guard.close();
      unlock();
    },
  };
}

const primaryCode = (thrown: unknown): number | undefined => {
  const code = (thrown as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
};

/** True when the disk is full or the file has reached its maximum size. */
export const isFull = (thrown: unknown): boolean => primaryCode(thrown) === FULL;

function openingError(path: string, cause: unknown): FluxCDEventsError {
  if (cause instanceof FluxCDEventsError) return cause;
  switch (primaryCode(cause)) {
    case BUSY:
      return new FluxCDEventsError(
        'FCE_STORE_LOCKED',
        `store ${path}: another process has it open. Stop that process first, or give this one its own --data-dir`,
        { cause },
      );
    case CORRUPT:
    case NOTADB:
      return corrupt(path, cause);
    default:
      return new FluxCDEventsError('FCE_STORE_UNAVAILABLE', `store ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** @param cause the error of SQLite, or a description of the fault */
export const corrupt = (path: string, cause: unknown): FluxCDEventsError =>
  new FluxCDEventsError(
    'FCE_STORE_CORRUPT',
    `store ${path}: ${messageOf(cause)}. Put a backup in its place, or move it away to begin with an empty one: ` +
      'what was not delivered yet is then lost, except for what docs/troubleshooting.md shows how to recover',
    { cause },
  );

/** @param damage what happened to the file behind the back of the store */
export const lost = (path: string, damage: string): FluxCDEventsError =>
  new FluxCDEventsError(
    'FCE_STORE_FAILED',
    `store ${path}: ${damage}. Put the file or a backup of it in its place and start again; without one, the start ` +
      'makes an empty store, and what was not delivered yet is lost',
  );

/** The error for callers when the store itself fails. Undefined when only the call was invalid. */
export function storeError(path: string, cause: unknown): FluxCDEventsError | undefined {
  switch (primaryCode(cause)) {
    case FULL:
      return new FluxCDEventsError('FCE_STORE_UNAVAILABLE', `store ${path}: no room left on the disk`, { cause });
    case BUSY:
    case NOMEM:
    case READONLY:
    case IOERR:
    case CANTOPEN:
      return new FluxCDEventsError('FCE_STORE_UNAVAILABLE', `store ${path}: ${messageOf(cause)}`, { cause });
    case CORRUPT:
    case NOTADB:
      return corrupt(path, cause);
    default:
      return undefined;
  }
}
