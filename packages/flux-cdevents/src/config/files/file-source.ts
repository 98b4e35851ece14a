import { join, relative, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { formatIssue } from '../../diagnostics/format.ts';
import { createIssue, type Issue } from '../../diagnostics/issue.ts';
import { FluxCDEventsError } from '../../errors.ts';
import { createBackoff } from '../../lib/backoff.ts';
import { sleep } from '../../lib/sleep.ts';
import type { Logger } from '../../observe/log.ts';
import type { MappingReader } from '../../provider/provider.ts';
import {
  type ConfigSnapshot,
  type ConfigSource,
  closedBeforeLoaded,
  NOT_LOADED,
  type UnreadPart,
} from '../config-source.ts';
import { logChange } from '../log-change.ts';
import { createFileSet, type FileContent } from './file-set.ts';
import { readFiles, resolveIn } from './read-files.ts';
import { isFolder, isSameMap, isSameScan, type Scan, scan } from './scan.ts';
import { createFolderWatch } from './watch.ts';

export interface FileSourceOptions {
  /** Folder of YAML and JSON files, read with all folders below it. */
  readonly directory: string;
  /** @default false */
  readonly noCrossNamespaceRefs?: boolean;
  readonly readMapping: MappingReader;
  readonly logger: Logger;
  /** The longest time between two scans of the folder, except for a large one. @default 500 */
  readonly rescanMs?: number;
  /** How long the folder must be unchanged before a change is applied. @default 100 */
  readonly settleMs?: number;
}

/** After this time a file that is still being written to keeps its last version, so that other changes are applied. */
const MAX_SETTLE_MS = 600;
/** The share of the time that scans may take. */
const MAX_SCAN_SHARE = 1 / 25;

/** The longest wait before a file that could not be read is read again. */
const MAX_REREAD_MS = 30_000;

const A_FILE = 'a file';

/** Stands for the version of a file that has not settled yet. */
const UNSETTLED = '';

const nothing: Scan = { files: new Map(), directories: new Map(), unreadable: new Map() };

/**
 * Configuration from a folder of YAML. Changes are applied together, once the folder has stopped changing: the scans
 * before and after the files were read must agree. A broken object keeps its last good version, and so do a file and a
 * folder that cannot be read: only what a readable folder no longer lists is gone.
 */
export function createFileSource({
  directory,
  noCrossNamespaceRefs = false,
  readMapping,
  logger,
  rescanMs = 500,
  settleMs = 100,
}: FileSourceOptions): ConfigSource {
  const set = createFileSet({ noCrossNamespaceRefs, readMapping });
  const listeners = new Set<(snapshot: ConfigSnapshot) => void>();
  const closing = new AbortController();
  let wake: () => void = () => {};
  let woken = false;
  const watch = createFolderWatch(() => {
    woken = true;
    wake();
  });
  let seen = nothing;
  /** The version of each file that was applied. */
  const versions = new Map<string, string>();
  /** The files of which the set knows something. */
  const held = new Set<string>();
  /** The folders that have been read and are not known to be gone. */
  let readFolders: readonly string[] = [];
  let unreadFolders: ReadonlyMap<string, UnreadPart> = new Map();
  let current: ConfigSnapshot | undefined;
  let waiting = NOT_LOADED;
  let loop: Promise<void> = Promise.resolve();

  const rereading = createBackoff({ firstMs: rescanMs, maxMs: MAX_REREAD_MS, jitter: 0.2 });
  let rereadAt = Number.POSITIVE_INFINITY;
  /** How long the last scan took. */
  let scanMs = 0;

  const look = async (): Promise<Scan> => {
    const begun = performance.now();
    const seen = await scan(directory);
    scanMs = performance.now() - begun;
    const isFile = seen.files.size > 0 && seen.directories.size === 0;
    return isFile ? { ...nothing, unreadable: new Map([['', A_FILE]]) } : seen;
  };

  /** Scans until two scans agree, and reads what changed in between. */
  async function settle(first: Scan, waitMs: number): Promise<{ settled: Scan; contents: Contents }> {
    const deadline = performance.now() + MAX_SETTLE_MS;
    for (let before = first; ; ) {
      if (waitMs > 0) await delay(waitMs, undefined, { signal: closing.signal });
      const names = [...before.files].filter(([name, identity]) => versions.get(name) !== identity);
      const contents = await readFiles(
        names.map(([name]) => name),
        resolveIn(directory, true),
      );
      const after = await look();
      if (isSameScan(before, after)) return { settled: after, contents };
      if (performance.now() > deadline) return { settled: withoutUnsettled(before, after, versions), contents };
      before = after;
    }
  }

  async function apply(settled: Scan, contents: Contents) {
    const unreadable = new Map([...settled.unreadable].map(([path, reason]) => [asFolder(path), reason]));
    const folders = [...unreadable].filter(([path]) => isFolder(path));
    const prefixes = [...unreadable.keys()].map((path) => (isFolder(path) ? path : `${path}/`));
    const isUnknown = (name: string) => prefixes.some((prefix) => `${name}/`.startsWith(prefix));

    const changed = new Map<string, FileContent>();
    for (const [path, reason] of unreadable) if (!isFolder(path)) changed.set(path, { unreadable: reason });
    for (const [name, content] of contents) {
      const identity = settled.files.get(name);
      if (identity && identity !== versions.get(name)) changed.set(name, content);
    }
    const gone = [...held].filter((name) => !settled.files.has(name) && !isUnknown(name));
    for (const [name, content] of changed) {
      if ('text' in content) versions.set(name, settled.files.get(name) ?? UNSETTLED);
      else versions.delete(name);
    }
    for (const name of gone) versions.delete(name);
    const differs = await set.update(changed, gone);
    for (const name of gone) held.delete(name);
    for (const name of changed.keys()) held.add(name);

    const foldersBefore = unreadFolders;
    unreadFolders = new Map(folders.map(([path, reason]) => [path, unreadFolder(path, reason)]));
    const inFolder = (folder: string) => relative(directory, folder).replaceAll(sep, '/');
    const kept = readFolders.filter((folder) => isUnknown(inFolder(folder)));
    readFolders = [...new Set([...kept, ...settled.directories.keys()])];
    seen = settled;
    scheduleReread();
    if (closing.signal.aborted) return;
    watch.follow(settled.directories);
    if (differs || !isSameMap(reasonsOf(foldersBefore), reasonsOf(unreadFolders)) || !current) publish();
  }

  const pathOf = (folder: string) => (folder === '' ? directory : join(directory, folder.slice(0, -1)));

  /** A link that led to a folder is a folder, also while it leads nowhere. */
  const asFolder = (path: string): string =>
    !isFolder(path) && readFolders.includes(pathOf(`${path}/`)) ? `${path}/` : path;

  function unreadFolder(path: string, reason: string): UnreadPart {
    const before = unreadFolders.get(path);
    return {
      problem: folderIssue(path || '.', reason),
      sinceMs: before?.sinceMs ?? performance.now(),
      mayHoldMore: !readFolders.includes(pathOf(path)),
    };
  }

  /** A file that could not be read is read again though it does not change: what prevented it may be over. */
  function scheduleReread() {
    const failed = [...seen.files.keys()].some((name) => !versions.has(name));
    if (!failed) rereading.reset();
    rereadAt = failed ? performance.now() + rereading.next() : Number.POSITIVE_INFINITY;
  }

  function publish() {
    const snapshot = set.snapshot([...unreadFolders.values()]);
    logChange(logger, current, snapshot);
    current = snapshot;
    for (const listener of listeners) listener(snapshot);
  }

  async function refresh() {
    const first = await look();
    if (isSameScan(first, seen) && performance.now() < rereadAt) return;
    const { settled, contents } = await settle(first, settleMs);
    await apply(settled, contents);
  }

  async function keepWatching() {
    while (!closing.signal.aborted) {
      const begun = performance.now();
      await refresh().catch((error: unknown) => {
        if (!closing.signal.aborted) throw error;
      });
      const tookMs = performance.now() - begun;
      await sleepUntilWoken(Math.max(rescanMs, scanMs / MAX_SCAN_SHARE));
      // A folder that changes all the time must not be scanned all the time.
      const restMs = Math.max(settleMs, tookMs) - (performance.now() - begun - tookMs);
      if (restMs > 0) await sleep(restMs, closing.signal);
    }
  }

  async function sleepUntilWoken(ms: number) {
    if (!woken && !closing.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    woken = false;
  }

  return {
    async start() {
      const backoff = createBackoff({ firstMs: rescanMs, maxMs: MAX_REREAD_MS, jitter: 0.2 });
      for (;;) {
        const { settled, contents } = await settle(await look(), 0);
        if (closing.signal.aborted) throw closedBeforeLoaded();
        const reason = settled.unreadable.get('');
        if (reason === undefined) {
          await apply(settled, contents);
          break;
        }
        if (isNoFolder(reason)) throw unusable(directory, reason);
        const found = formatIssue(folderIssue('.', reason));
        if (found !== waiting) logger.error({ reason: found }, 'waiting for the configuration');
        waiting = found;
        await sleep(backoff.next(), closing.signal);
      }
      if (closing.signal.aborted) throw closedBeforeLoaded();
      loop = keepWatching();
    },
    snapshot: () => current,
    waitsFor: () => (current ? [] : [waiting]),
    labels: async (object) => set.labels(object),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closing.abort();
      wake();
      watch.close();
      await loop;
    },
  };
}

type Contents = ReadonlyMap<string, FileContent>;

/** Files that are still changing keep the version that was applied; a new one waits. */
function withoutUnsettled(before: Scan, after: Scan, versions: ReadonlyMap<string, string>): Scan {
  const files = new Map<string, string>();
  for (const [name, identity] of after.files) {
    files.set(name, before.files.get(name) === identity ? identity : (versions.get(name) ?? UNSETTLED));
  }
  // one that is replaced all the time may just not be there when it is looked for
  for (const name of before.files.keys()) if (!files.has(name)) files.set(name, versions.get(name) ?? UNSETTLED);
  return { ...after, files };
}

const reasonsOf = (parts: ReadonlyMap<string, UnreadPart>): ReadonlyMap<string, string> =>
  new Map([...parts].map(([path, { problem }]) => [path, problem.found]));

/** The issue of a folder that cannot be read. */
export const folderIssue = (folder: string, reason: string): Issue => ({
  ...createIssue('unreadable', ['folder'], 'a folder that can be read', reason),
  place: { file: folder },
});

/** Why there is no folder to wait for: the name is wrong. */
const isNoFolder = (reason: string): boolean => ['ENOENT', 'ENOTDIR', A_FILE].includes(reason);

const unusable = (directory: string, found: string) =>
  new FluxCDEventsError('FCE_CONFIG_INVALID', `${directory}: expected a folder of YAML files, found ${found}`);
