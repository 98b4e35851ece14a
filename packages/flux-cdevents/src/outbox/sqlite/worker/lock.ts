import { DatabaseSync } from 'node:sqlite';

/**
 * Locks the store for this process, through a file of its own beside it: SQLite's lock on the store is a lock on an
 * inode, and would not keep a second process from a new file at the same path. The lock ends with the process, however
 * that ends. The file is empty and stays.
 * @returns a function that releases the lock
 * @throws an error of SQLite, `SQLITE_BUSY` when another process has the lock
 */
export function lockStore(file: string): () => void {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    lock.close();
    throw thrown;
  }
  return () => lock.close();
}
