import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/**
 * Notices what happens to the file of the store behind SQLite's back. SQLite keeps using a file that was deleted or
 * replaced, and everything that it writes to it is lost with the process.
 */
export interface FileGuard {
  /** What happened to the file since it was opened. Undefined when it is as the store left it. */
  damage(): string | undefined;
  /** Records that the store itself has written. Call it after every write and before the next `damage`. */
  written(): void;
  close(): void;
}

/** The header of a SQLite file. It changes when the store writes and at no other time. */
const HEADER_BYTES = 100;

/**
 * @param path the file, which SQLite has open. Closing a file releases all POSIX locks that the process has on it, so
 * close the guard after the database.
 */
export function guardFile(path: string): FileGuard {
  const fd = openSync(path, 'r');
  const header = Buffer.alloc(HEADER_BYTES);
  const current = Buffer.alloc(HEADER_BYTES);
  const file = identityOf(fd);
  let log: string | undefined;
  let size = 0;

  const written = (): void => {
    readSync(fd, header, 0, HEADER_BYTES, 0);
    size = fstatSync(fd).size;
    log ??= identityOf(`${path}-wal`);
  };
  written();

  const misplaced = (name: string, expected: string): string | undefined => {
    try {
      return identityOf(name) === expected ? undefined : `${name} was replaced while it was open`;
    } catch (thrown) {
      // Any other error says nothing about the file.
      return (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? `${name} was deleted while it was open` : undefined;
    }
  };

  return {
    damage() {
      const moved = misplaced(path, file) ?? (log === undefined ? undefined : misplaced(`${path}-wal`, log));
      if (moved !== undefined) return moved;
      if (fstatSync(fd).size < size) return `${path} was cut off while it was open`;
      readSync(fd, current, 0, HEADER_BYTES, 0);
      return current.equals(header) ? undefined : `${path} was overwritten by another program`;
    },
    written,
    close: () => closeSync(fd),
  };
}

/** Device and inode. */
function identityOf(file: string | number): string {
  const { dev, ino } = typeof file === 'number' ? fstatSync(file, { bigint: true }) : statSync(file, { bigint: true });
  return `${dev}:${ino}`;
}
