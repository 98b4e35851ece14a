import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import type { FileContent } from './file-set.ts';

const MAX_FILE_BYTES = 32 * 1024 * 1024;
const CONCURRENT_READS = 16;

/**
 * Reads files of a folder. A file that no longer exists is left out: the next scan will not find it either.
 * @param resolve makes the path of a file from its name in the scan
 */
export async function readFiles(
  names: readonly string[],
  resolve: (name: string) => string,
): Promise<ReadonlyMap<string, FileContent>> {
  const contents = new Map<string, FileContent>();
  const queue = names.values();
  const worker = async () => {
    for (const name of queue) {
      const content = await readOne(resolve(name));
      if (content) contents.set(name, content);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_READS }, worker));
  return contents;
}

async function readOne(path: string): Promise<FileContent | undefined> {
  try {
    const bytes = await readFile(path);
    return bytes.byteLength > MAX_FILE_BYTES ? { unreadable: 'more than 32 MiB' } : { text: bytes.toString('utf8') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : { unreadable: code ?? messageOf(error) };
  }
}

/** The files of a scan lie below its root, or are the root. */
export const resolveIn =
  (root: string, isFolder: boolean) =>
  (name: string): string =>
    isFolder ? join(root, name) : root;
