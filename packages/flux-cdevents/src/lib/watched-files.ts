import { statSync } from 'node:fs';

/** What `refresh` found. A failure is reported once for each version of the files. */
export type Refreshed =
  | { readonly status: 'unchanged' | 'changed' }
  | { readonly status: 'failed'; readonly error: unknown };

/** A value from files that are replaced while it is in use, such as a mounted Secret. */
export interface WatchedFiles<T> {
  readonly current: T;
  /** Reads the files again if they changed. While they cannot be read, the current value stays. */
  refresh(): Refreshed;
}

/**
 * Reads the value, and again after the files changed. Changes are found by following each path, because Kubernetes
 * volumes swap a symbolic link.
 * @throws what `read` throws the first time
 */
export function watchFiles<T>(paths: readonly string[], read: () => T): WatchedFiles<T> {
  let version = versionOf(paths);
  let current = read();
  let failed = '';
  return {
    get current() {
      return current;
    },
    refresh() {
      const found = versionOf(paths);
      if (found === version) return { status: 'unchanged' };
      try {
        current = read();
      } catch (error) {
        const isNew = found !== failed;
        failed = found;
        return isNew ? { status: 'failed', error } : { status: 'unchanged' };
      }
      version = found;
      return { status: 'changed' };
    },
  };
}

const versionOf = (paths: readonly string[]): string =>
  paths
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat ? `${stat.ino} ${stat.mtimeMs} ${stat.size}` : 'gone';
    })
    .join();
