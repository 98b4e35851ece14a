import { randomFillSync } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Database } from './database.ts';

/**
 * Decides whether there is room for another event, so that there is always room to deliver and settle what is stored:
 *
 *     disk   │ store │ write-ahead log │ reserve file │ kept free for settlements │ room for events │ others │
 *
 * The log and the two margins are a sixteenth of the disk, and no more than on a large one. An event needs its size on
 * the disk, or pages of the store that are free. The reserve file is for the case that somebody else fills the disk: it
 * is given up when a settlement finds no room, and made again when there is some.
 */
export interface Room {
  /** Why no event is taken now. Undefined while events are taken. */
  readonly full: string | undefined;
  /** Whether little is left, so that what is kept for inspection should go. */
  readonly isLow: boolean;
  /** Takes room for an event. @returns false when there is none; then none is taken for any event until there is more */
  take(bytes: number): boolean;
  /** Looks at the disk again. */
  look(): void;
  /** Makes the reserve file if it is missing and there is room for it. */
  keepReserve(): void;
  /** Removes the reserve file, after a write found no room. @returns whether it was there */
  giveUpReserve(): boolean;
}

const MAX_LOG_BYTES = 32 * 1024 * 1024;
const MIN_LOG_BYTES = 256 * 1024;
const MAX_MARGIN_BYTES = 16 * 1024 * 1024;
const SHARE = 1 / 16;
/** What an event needs beside its texts: the rows, the indexes, and pages that are not filled. */
const overheadOf = (bytes: number): number => bytes / 4 + 64 * 1024;

export function createRoom(db: Database, path: string, maxBytes: number | undefined): Room {
  const folder = dirname(path);
  const reserve = `${path}-reserve`;
  const pageSize = pragma(db, 'page_size');
  const { blocks, bsize } = statfsSync(folder);
  // Some file systems do not say how large they are.
  const isMeasured = blocks > 0;
  const capacity = isMeasured ? blocks * bsize : Number.POSITIVE_INFINITY;
  const margin = Math.min(MAX_MARGIN_BYTES, capacity * SHARE);
  const logBytes = Math.min(MAX_LOG_BYTES, Math.max(MIN_LOG_BYTES, capacity * SHARE));
  const fileMargin = maxBytes === undefined ? 0 : Math.min(MAX_MARGIN_BYTES, maxBytes * SHARE);
  db.exec(`PRAGMA wal_autocheckpoint = ${Math.floor(logBytes / pageSize)};
    PRAGMA journal_size_limit = ${Math.floor(2 * logBytes)}`);

  /** Events are taken again when there is so much room. */
  const enough = maxBytes === undefined ? margin : fileMargin;
  let full: string | undefined;
  let hasReserve = false;
  let isReserveGone = false;
  /** Room for events, and for a log that is larger than usual. */
  let left = 0;
  let free = 0;

  const measure = (): void => {
    const { bavail, bsize: blockSize } = statfsSync(folder);
    const pages = pragma(db, 'page_count');
    const unused = pragma(db, 'freelist_count');
    const unwritten = Math.max(0, pages * pageSize - sizeOf(path));
    const unusedLog = Math.max(0, logBytes - sizeOf(`${path}-wal`));
    const unusedReserve = Math.max(0, margin - sizeOf(reserve));
    const available = isMeasured ? bavail * blockSize : Number.POSITIVE_INFINITY;
    free = available - unwritten - unusedLog - unusedReserve - margin;
    const inFile = maxBytes === undefined ? free : maxBytes - fileMargin - pages * pageSize;
    left = Math.min(free, inFile) + unused * pageSize;
  };
  const becomeFull = (): void => {
    full ??=
      `no room left on the disk of ${path}: no event is taken until there is some. ` +
      'What is stored is delivered, which makes room. Free some space, or enlarge the disk';
  };
  const look = (): void => {
    measure();
    if (full !== undefined && !isReserveGone && left >= enough) full = undefined;
  };

  const keepReserve = (): void => {
    measure();
    hasReserve = sizeOf(reserve) >= margin || (free >= 0 && writeReserve(reserve, margin));
    if (hasReserve) isReserveGone = false;
    look();
  };
  measure();

  return {
    get full() {
      return full;
    },
    get isLow() {
      return full !== undefined || left < 2 * enough;
    },
    take(bytes) {
      const needed = bytes + overheadOf(bytes);
      if (full !== undefined || left < 16 * needed) look();
      // Before events have taken the room for it.
      if (!hasReserve && full === undefined && left < 8 * margin) keepReserve();
      const log = Math.max(0, needed - logBytes);
      if (full === undefined && (needed > left || log > Math.max(0, free))) becomeFull();
      if (full !== undefined) return false;
      left -= needed;
      return true;
    },
    look,
    keepReserve,
    giveUpReserve() {
      becomeFull();
      const wasThere = sizeOf(reserve) > 0;
      rmSync(reserve, { force: true });
      hasReserve = false;
      isReserveGone = true;
      return wasThere;
    },
  };
}

const pragma = (db: Database, name: string): number => db.get<[number]>(`PRAGMA ${name}`)?.[0] ?? 0;

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Writes what no file system can compress, so that the space is really taken. @returns whether there was room */
function writeReserve(path: string, bytes: number): boolean {
  const chunk = randomFillSync(Buffer.alloc(1024 * 1024));
  let fd: number | undefined;
  try {
    fd = openSync(path, 'w', 0o600);
    for (let left = Math.ceil(bytes); left > 0; left -= chunk.length)
      writeSync(fd, chunk, 0, Math.min(left, chunk.length));
    return true;
  } catch {
    if (fd !== undefined) ftruncateSync(fd, 0);
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
