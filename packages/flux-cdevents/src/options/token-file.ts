import { readFileSync } from 'node:fs';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { watchFiles } from '../lib/watched-files.ts';

const CHECK_EVERY_MS = 1000;

/**
 * A token in a file that may be rotated: checked at most once a second, and kept while the file cannot be read.
 * @throws {FluxCDEventsError} `FCE_OPTION_INVALID` at once when the file cannot be read or is empty
 */
export function tokenFromFile(path: string, now: () => number): () => string {
  const file = watchFiles([path], () => read(path));
  let checkedAt = now();
  return () => {
    if (now() - checkedAt >= CHECK_EVERY_MS) {
      checkedAt = now();
      file.refresh();
    }
    return file.current;
  };
}

function read(path: string): string {
  try {
    const token = readFileSync(path, 'utf8').trim();
    if (token === '') throw new Error('it is empty');
    return token;
  } catch (cause) {
    throw new FluxCDEventsError('FCE_OPTION_INVALID', `token file ${path}: ${messageOf(cause)}`, { cause });
  }
}
