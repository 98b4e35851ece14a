import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileContent } from './file-set.ts';
import { reasonOf } from './scan.ts';

const MAX_FILE_BYTES = 32 * 1024 * 1024;
const CONCURRENT_READS = 16;

/**
 * Reads files of a folder. A file that no longer exists is unreadable like others: whether it is gone, the next scan tells.
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
      contents.set(name, await readOne(resolve(name)));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_READS }, worker));
  return contents;
}

async function readOne(path: string): Promise<FileContent> {
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) return { unreadable: 'more than 32 MiB' };
    return { text: await readFile(path, 'utf8') };
  } catch (error) {
    return { unreadable: reasonOf(error) };
  }
}

/** The files of a scan lie below its root, or are the root. */
export const resolveIn =
  (root: string, isFolder: boolean) =>
  (name: string): string =>
    isFolder ? join(root, name) : root;
