import { readFileSync, statSync } from 'node:fs';
import { FluxCDEventsError, messageOf } from '../errors.ts';

const CHECK_EVERY_MS = 1000;

/**
 * A token that is kept in a file and may be rotated: read again at most once a second, and kept when the file is away.
 * @throws {FluxCDEventsError} `FCE_OPTION_INVALID` at once when the file cannot be read or is empty
 */
export function tokenFromFile(path: string, now: () => number): () => string {
  let { token, version } = read(path);
  let checkedAt = now();
  return () => {
    if (now() - checkedAt < CHECK_EVERY_MS) return token;
    checkedAt = now();
    try {
      if (versionOf(path) !== version) ({ token, version } = read(path));
    } catch {
      // Between two versions of a mounted Secret the file may be gone for a moment: the old token stays.
    }
    return token;
  };
}

function read(path: string): { token: string; version: string } {
  try {
    const version = versionOf(path);
    const token = readFileSync(path, 'utf8').trim();
    if (token === '') throw new Error('it is empty');
    return { token, version };
  } catch (cause) {
    throw new FluxCDEventsError('FCE_OPTION_INVALID', `token file ${path}: ${messageOf(cause)}`, { cause });
  }
}

const versionOf = (path: string): string => {
  const { mtimeMs, ino, size } = statSync(path);
  return `${mtimeMs} ${ino} ${size}`;
};
