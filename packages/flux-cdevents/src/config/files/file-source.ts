import { setTimeout as delay } from 'node:timers/promises';
import { createIssue, type Issue } from '../../diagnostics/issue.ts';
import { FluxCDEventsError, messageOf } from '../../errors.ts';
import { sleep } from '../../lib/sleep.ts';
import type { Logger } from '../../observe/log.ts';
import type { MappingReader } from '../../provider/provider.ts';
import { type ConfigSnapshot, type ConfigSource, closedBeforeLoaded } from '../config-source.ts';
import { logChange } from '../log-change.ts';
import { createFileSet, type FileContent } from './file-set.ts';
import { readFiles, resolveIn } from './read-files.ts';
import { isSameMap, isSameScan, type Scan, scan } from './scan.ts';
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

const nothing: Scan = { files: new Map(), directories: new Map(), unreadable: new Map() };

/**
 * Configuration from a folder of YAML. Changes are applied together, once the folder has stopped changing: the scans
 * before and after the files were read must agree. A broken object keeps its last good version.
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
  let applied = nothing;
  let missing: Issue | undefined;
  let current: ConfigSnapshot | undefined;
  let loop: Promise<void> = Promise.resolve();

  /** Scans until two scans agree, and reads what changed in between. */
  async function settle(first: Scan, waitMs: number): Promise<{ seen: Scan; contents: Contents }> {
    const deadline = performance.now() + MAX_SETTLE_MS;
    for (let before = first; ; ) {
      if (waitMs > 0) await delay(waitMs, undefined, { signal: closing.signal });
      const names = [...before.files].filter(([name, identity]) => applied.files.get(name) !== identity);
      const contents = await readFiles(
        names.map(([name]) => name),
        resolveIn(directory, true),
      );
      const after = await scan(directory);
      if (isSameScan(before, after)) return { seen: after, contents };
      if (performance.now() > deadline) return { seen: withoutUnsettled(before, after, applied), contents };
      before = after;
    }
  }

  async function apply(seen: Scan, contents: Contents, returned = false) {
    const changed = new Map([...contents].filter(([name]) => applied.files.get(name) !== seen.files.get(name)));
    const removed = [...applied.files.keys()].filter((name) => !seen.files.has(name));
    const differs = await set.update(changed, removed);
    const folders = !isSameMap(seen.unreadable, applied.unreadable);
    applied = seen;
    if (closing.signal.aborted) return;
    watch.follow(seen.directories);
    if (differs || folders || returned || !current) publish();
  }

  function publish() {
    const folders = [...applied.unreadable].map(([path, reason]) => folderIssue(path || '.', reason));
    const snapshot = set.snapshot(missing ? [missing, ...folders] : folders);
    logChange(logger, current, snapshot);
    current = snapshot;
    for (const listener of listeners) listener(snapshot);
  }

  async function refresh() {
    const first = await scan(directory);
    const returned = missing !== undefined;
    missing = undefined;
    if (!isSameScan(first, applied)) {
      const { seen, contents } = await settle(first, settleMs);
      await apply(seen, contents, returned);
    } else if (returned) publish();
  }

  async function refreshOrKeep() {
    try {
      await refresh();
    } catch (error) {
      if (closing.signal.aborted || missing) return;
      // The folder is about to be replaced, or was removed by mistake: keep the configuration.
      missing = folderIssue('.', (error as NodeJS.ErrnoException).code ?? messageOf(error));
      watch.follow(nothing.directories);
      publish();
    }
  }

  async function keepWatching() {
    while (!closing.signal.aborted) {
      const begun = performance.now();
      await refreshOrKeep();
      const tookMs = performance.now() - begun;
      await sleepUntilWoken(Math.max(rescanMs, tookMs / MAX_SCAN_SHARE));
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
      const first = await scan(directory).catch((cause: unknown) => {
        throw unusable(directory, cause);
      });
      if (!first.directories.has(directory)) throw unusable(directory, 'a file');
      if (closing.signal.aborted) throw closedBeforeLoaded();
      watch.follow(first.directories);
      const { seen, contents } = await settle(first, 0);
      await apply(seen, contents);
      if (closing.signal.aborted) throw closedBeforeLoaded();
      loop = keepWatching();
    },
    snapshot: () => current,
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
function withoutUnsettled(before: Scan, after: Scan, applied: Scan): Scan {
  const files = new Map<string, string>();
  for (const [name, identity] of after.files) {
    const kept = before.files.get(name) === identity ? identity : applied.files.get(name);
    if (kept !== undefined) files.set(name, kept);
  }
  return { ...after, files };
}

/** The issue of a folder that cannot be read. */
export const folderIssue = (folder: string, reason: string): Issue => ({
  ...createIssue('unreadable', ['folder'], 'a folder that can be read', reason),
  place: { file: folder },
});

const unusable = (directory: string, found: unknown) =>
  new FluxCDEventsError(
    'FCE_CONFIG_INVALID',
    `${directory}: expected a folder of YAML files, found ${typeof found === 'string' ? found : messageOf(found)}`,
    { cause: found },
  );
