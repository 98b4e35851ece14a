import { setTimeout as delay } from 'node:timers/promises';
import { FluxCDEventsError, messageOf } from '../../errors.ts';
import type { Logger } from '../../observe/log.ts';
import type { MappingReader } from '../../provider/provider.ts';
import { type ConfigProblem, type ConfigSnapshot, type ConfigSource, closedBeforeLoaded } from '../config-source.ts';
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
  /** The longest time between two looks at the folder, a large folder excepted. @default 500 */
  readonly rescanMs?: number;
  /** How long the folder has to be at rest before a change is applied. @default 100 */
  readonly settleMs?: number;
}

/** A file that is written to all the time is left as it was after so long, so that others get their turn. */
const MAX_SETTLE_MS = 600;
/** Looking at a folder may take this part of the time at most. */
const MAX_SCAN_SHARE = 1 / 25;

const nothing: Scan = { files: new Map(), directories: new Map(), unreadable: new Map() };

/**
 * Configuration from a folder of YAML. A change is applied when the folder has come to rest, all of it at once: a
 * scan before and a scan after the files were read have to agree. What is broken keeps its last good version.
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
  let missing: ConfigProblem | undefined;
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
    const folders = [...applied.unreadable].map(([path, reason]) => folderProblem(path || '.', reason));
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
      // Whoever removes the folder is about to put another in its place, or made a mistake: nothing is dropped.
      missing = folderProblem('.', (error as NodeJS.ErrnoException).code ?? messageOf(error));
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
      // A folder in which something happens all the time is not looked at all the time.
      const restMs = Math.max(settleMs, tookMs) - (performance.now() - begun - tookMs);
      if (restMs > 0) await delay(restMs, undefined, { signal: closing.signal }).catch(() => {});
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

/** Files that did not come to rest stay as they were applied; a new one waits. */
function withoutUnsettled(before: Scan, after: Scan, applied: Scan): Scan {
  const files = new Map<string, string>();
  for (const [name, identity] of after.files) {
    const kept = before.files.get(name) === identity ? identity : applied.files.get(name);
    if (kept !== undefined) files.set(name, kept);
  }
  return { ...after, files };
}

const folderProblem = (where: string, reason: string): ConfigProblem => ({
  where,
  severity: 'error',
  issue: { path: 'folder', expected: 'a folder that can be read', found: reason },
});

const unusable = (directory: string, found: unknown) =>
  new FluxCDEventsError(
    'FCE_CONFIG_INVALID',
    `${directory}: expected a folder of YAML files, found ${typeof found === 'string' ? found : messageOf(found)}`,
    { cause: found },
  );
