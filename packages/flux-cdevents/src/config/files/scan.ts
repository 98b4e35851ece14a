import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';

/** The files of a folder at one moment, without their content. */
export interface Scan {
  /** Relative path with `/` → a text that differs whenever the file changes. In path order. */
  readonly files: ReadonlyMap<string, string>;
  /** Absolute path of each folder → a text that differs when another folder takes its place. */
  readonly directories: ReadonlyMap<string, string>;
  /** Folders that may not be read: relative path → reason. */
  readonly unreadable: ReadonlyMap<string, string>;
}

const extensions = new Set(['.yaml', '.yml', '.json']);

/**
 * Lists the YAML and JSON files below a folder, or the one file that `root` is. Symbolic links are followed, as
 * Kubernetes mounts ConfigMaps and Secrets through them; names with a leading dot are left out: these are the targets
 * of those links (`..data`), editors' swap files, and `.git`.
 * @throws when `root` does not exist
 */
export async function scan(root: string): Promise<Scan> {
  const files: [string, string][] = [];
  const directories = new Map<string, string>();
  const unreadable = new Map<string, string>();

  const visit = async (directory: string, prefix: string, parents: ReadonlySet<string>): Promise<void> => {
    const found = await statOf(directory);
    if (!found) return;
    const identity = `${found.dev}:${found.ino}`;
    if (parents.has(identity)) return; // a link to a folder above
    directories.set(directory, identity);
    const within = new Set([...parents, identity]);
    const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') unreadable.set(prefix, error.code ?? error.message);
      return [];
    });
    await Promise.all(
      entries
        .filter(({ name }) => !name.startsWith('.'))
        .map(async (entry) => {
          const path = join(directory, entry.name);
          const wanted = extensions.has(extname(entry.name));
          if (entry.isDirectory()) return visit(path, `${prefix}${entry.name}/`, within);
          if (!wanted && !entry.isSymbolicLink()) return;
          const target = await statOf(path);
          if (target?.isDirectory()) return visit(path, `${prefix}${entry.name}/`, within);
          if (wanted && target?.isFile()) files.push([prefix + entry.name, identityOf(target)]);
        }),
    );
  };

  const start = await stat(root, { bigint: true });
  if (start.isDirectory()) await visit(root, '', new Set());
  else files.push([basename(root), identityOf(start)]);
  return { files: new Map(files.sort(([a], [b]) => (a < b ? -1 : 1))), directories, unreadable };
}

/** True when nothing changed between two scans. */
export const isSameScan = (a: Scan, b: Scan): boolean =>
  isSameMap(a.files, b.files) && isSameMap(a.directories, b.directories) && isSameMap(a.unreadable, b.unreadable);

export const isSameMap = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);

/** The change time shows changes that keep the modification time: `cp -p`, `rsync -t`. */
const identityOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;

/** Undefined for files that no longer exist and for broken links. */
const statOf = (path: string): Promise<BigIntStats | undefined> => stat(path, { bigint: true }).catch(() => undefined);
