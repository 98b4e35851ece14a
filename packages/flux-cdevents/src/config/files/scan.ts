import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { messageOf } from '../../errors.ts';

/** The files of a folder at one moment, without their content. */
export interface Scan {
  /** Relative path with `/` → a text that differs whenever the file changes. In path order. */
  readonly files: ReadonlyMap<string, string>;
  /** Absolute path of each folder → a text that differs when another folder takes its place. */
  readonly directories: ReadonlyMap<string, string>;
  /**
   * What cannot be looked at, or is a link to nothing, with the reason. Relative path: of a folder it ends with `/`, and
   * that of the root is empty; of anything else it is not known whether it is a file or a folder.
   */
  readonly unreadable: ReadonlyMap<string, string>;
}

const extensions = new Set(['.yaml', '.yml', '.json']);
/** What the root of a file system has, and only its owner may read. */
const LOST_AND_FOUND = 'lost+found';

/**
 * Lists the YAML and JSON files below a folder, or the one file that `root` is. Symbolic links are followed, as
 * Kubernetes mounts ConfigMaps and Secrets through them; names with a leading dot are left out: these are the targets
 * of those links (`..data`), editors' swap files, and `.git`. What is in neither list does not exist: only a
 * folder that was read can tell.
 */
export async function scan(root: string): Promise<Scan> {
  const files: [string, string][] = [];
  const directories = new Map<string, string>();
  const unreadable = new Map<string, string>();

  const visit = async (directory: string, prefix: string, parents: ReadonlySet<string>): Promise<void> => {
    const found = await statOf(directory);
    if (typeof found === 'string') return void unreadable.set(prefix, found);
    const identity = `${found.dev}:${found.ino}`;
    if (parents.has(identity)) return; // a link to a folder above
    const entries = await readdir(directory, { withFileTypes: true }).catch(reasonOf);
    if (typeof entries === 'string') return void unreadable.set(prefix, entries);
    directories.set(directory, identity);
    const within = new Set([...parents, identity]);
    await Promise.all(
      entries
        .filter(({ name }) => !name.startsWith('.') && name !== LOST_AND_FOUND)
        .map(async (entry) => {
          const path = join(directory, entry.name);
          const name = prefix + entry.name;
          const wanted = extensions.has(extname(entry.name));
          if (entry.isDirectory()) return visit(path, `${name}/`, within);
          if (!wanted && !entry.isSymbolicLink()) return;
          const target = await statOf(path);
          if (typeof target === 'string') unreadable.set(name, target);
          else if (target.isDirectory()) await visit(path, `${name}/`, within);
          else if (wanted && target.isFile()) files.push([name, identityOf(target)]);
        }),
    );
  };

  const start = await statOf(root);
  if (typeof start === 'string') unreadable.set('', start);
  else if (start.isDirectory()) await visit(root, '', new Set());
  else files.push([basename(root), identityOf(start)]);
  return { files: new Map(files.sort(([a], [b]) => (a < b ? -1 : 1))), directories, unreadable };
}

/** Whether a path of a scan is that of a folder. */
export const isFolder = (path: string): boolean => path === '' || path.endsWith('/');

/** True when nothing changed between two scans. */
export const isSameScan = (a: Scan, b: Scan): boolean =>
  isSameMap(a.files, b.files) && isSameMap(a.directories, b.directories) && isSameMap(a.unreadable, b.unreadable);

export const isSameMap = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);

/** The change time shows changes that keep the modification time: `cp -p`, `rsync -t`. */
const identityOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;

/** What a path leads to, or why that cannot be found out. */
const statOf = (path: string): Promise<BigIntStats | string> => stat(path, { bigint: true }).catch(reasonOf);

/** `EACCES`, `EMFILE`, … */
export const reasonOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? messageOf(error);
