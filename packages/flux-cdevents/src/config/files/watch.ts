import { type FSWatcher, watch } from 'node:fs';
import type { Scan } from './scan.ts';

/** Reports changes in folders soon and cheaply. It may miss some, so a periodic scan is needed as well. */
export interface FolderWatch {
  /** Watches these folders from now on, and no others. */
  follow(directories: Scan['directories']): void;
  close(): void;
}

/**
 * Watches folders, not files, to see a file replaced by renaming and Kubernetes' swap of `..data` as well. Where the
 * system refuses (no inotify watches left, a network file system), only the periodic scan is left.
 */
export function createFolderWatch(onChange: () => void): FolderWatch {
  const watches = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>();
  const drop = (directory: string) => {
    watches.get(directory)?.watcher.close();
    watches.delete(directory);
  };
  return {
    follow(directories) {
      for (const [directory, { identity }] of watches) {
        if (directories.get(directory) !== identity) drop(directory);
      }
      for (const [directory, identity] of directories) {
        if (watches.has(directory)) continue;
        try {
          const watcher = watch(directory, { persistent: false }, onChange);
          watcher.on('error', () => drop(directory));
          watches.set(directory, { identity, watcher });
        } catch {
          // tried again after the next scan
        }
      }
    },
    close() {
      for (const directory of watches.keys()) drop(directory);
    },
  };
}
