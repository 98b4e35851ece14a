import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { corrupt, type Database } from './database.ts';

/** A file up to this size is checked as a whole at each opening, which takes about 0.1 s. */
const CHECKED_BYTES = 32 * 1024 * 1024;

const markerOf = (path: string): string => `${path}-damaged`;

/** Has the next opening check the whole file. */
export function noteDamage(path: string): void {
  try {
    writeFileSync(markerOf(path), '');
  } catch {
    // The next opening then finds the damage only if the file is small.
  }
}

/**
 * Checks the structure of the file: all of it when it is small or when damage was found since the last check, otherwise
 * only that SQLite can open it. Damage elsewhere in a large file is found when it is read.
 * @throws {FluxCDEventsError} `FCE_STORE_CORRUPT`
 */
export function checkContent(db: Database, path: string): void {
  const marker = markerOf(path);
  const isSuspect = existsSync(marker);
  if (!isSuspect && statSync(path).size > CHECKED_BYTES) return;
  const [found] = db.get<[string]>('PRAGMA quick_check(1)') ?? ['quick_check has no answer'];
  if (found !== 'ok') throw corrupt(path, found);
  if (isSuspect) rmSync(marker);
}
