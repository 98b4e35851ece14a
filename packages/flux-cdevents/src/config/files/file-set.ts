import { setImmediate as nextTurn } from 'node:timers/promises';
import { comparePlaces, formatObject, formatPlace } from '../../diagnostics/format.ts';
import { createIssue, type Issue, type ObjectName, type Path, type Place, withOwner } from '../../diagnostics/issue.ts';
import type { Alert } from '../../flux/alert.ts';
import type { ConfigMap } from '../../flux/config-map.ts';
import { type InvolvedObject, nameOf } from '../../flux/object-ref.ts';
import type { Provider } from '../../flux/provider.ts';
import type { Secret } from '../../flux/secret.ts';
import type { ForeignProvider, InvalidProvider, MappingReader } from '../../provider/provider.ts';
import { optionPath } from '../../provider/provider-options.ts';
import { MAPPING_KEY } from '../../provider/resolve-mapping.ts';
import { invalidProvider } from '../../provider/resolve-provider.ts';
import { assembleSnapshot, configMapsNeeded, inNamespaceOf } from '../assemble.ts';
import { type ConfigSnapshot, isComplete, type Labels, type UnreadPart } from '../config-source.ts';
import { createLabelIndex } from './label-index.ts';
import { type FileObject, type ReadDocument, readDocument } from './read-document.ts';
import { splitDocuments } from './split-documents.ts';

/** The content of a file: its text, or why it cannot be read. */
export type FileContent = { readonly text: string } | { readonly unreadable: string };

/** How many files and objects of each kind there are, including broken ones. Only ConfigMaps that Providers name count. */
export interface FileCounts {
  readonly files: number;
  readonly providers: number;
  readonly alerts: number;
  readonly secrets: number;
  readonly configMaps: number;
}

/** Files of configuration in memory, with the current and the last good version of each object. */
export interface FileSet {
  /**
   * Applies what changed. Unchanged documents are not parsed again.
   * @param removed files that are gone, and their objects with them
   * @returns false when nothing relevant changed
   */
  update(changed: ReadonlyMap<string, FileContent>, removed: readonly string[]): Promise<boolean>;
  /** The whole configuration. @param folders that cannot be read @default none */
  snapshot(folders?: readonly UnreadPart[]): ConfigSnapshot;
  labels(object: InvolvedObject): Labels | undefined;
  counts(): FileCounts;
}

/** A document, and how many lines of its file come before it. */
interface FileDocument extends ReadDocument {
  readonly linesBefore: number;
}

interface FileState {
  readonly documents: readonly FileDocument[];
  /** Keys of objects that a broken part of the file may still define: those of its last readable version. */
  readonly carried: readonly string[];
  /** The file holds nothing where it had objects: whoever writes it may have truncated it first, and is not done. */
  readonly emptied?: true;
  /** Why the file cannot be read now. Its documents are those of its last readable version. */
  readonly unreadable?: string;
  /** No version so far could be read as a whole, so nobody knows what the file holds. */
  readonly mayHoldMore: boolean;
  /** From `performance.now()`: since when the file is unreadable or was never read. Undefined while its content is known. */
  readonly unreadSinceMs?: number;
}

/** An object in the first file that defines it, which is the one in use. */
interface PlacedObject {
  readonly object: FileObject;
  readonly placeOf: (path: Path) => Place;
}

const MAX_TURN_MS = 20;

export interface FileSetOptions {
  readonly noCrossNamespaceRefs: boolean;
  readonly readMapping: MappingReader;
}

export function createFileSet({ noCrossNamespaceRefs, readMapping }: FileSetOptions): FileSet {
  const files = new Map<string, FileState>();
  /** By their text. Documents that are no longer in any file are dropped after each update. */
  let parsed = new Map<string, ReadDocument>();
  const lastGood = new Map<string, FileObject>();
  let placed = new Map<string, PlacedObject>();
  /** Files of which objects of an earlier version are in force. */
  const carrying = new Set<string>();
  /** Keys of the ConfigMaps that Providers name. Issues of other ConfigMaps are not reported. */
  let named: ReadonlySet<string> = new Set();
  let labels = createLabelIndex([]);
  let conflicts: { readonly object: FileObject; readonly issue: Issue }[] = [];

  const pathsInOrder = () => [...files.keys()].sort();

  async function parse(text: string): Promise<FileDocument[]> {
    const documents: FileDocument[] = [];
    let turn = performance.now();
    for (const { linesBefore, text: part } of splitDocuments(text)) {
      const document = parsed.get(part) ?? readDocument(part);
      parsed.set(part, document);
      documents.push({ ...document, linesBefore });
      if (performance.now() - turn > MAX_TURN_MS) {
        await nextTurn(); // thousands of objects must not block the event loop
        turn = performance.now();
      }
    }
    return documents;
  }

  /** Finds the definition in use of every object, the first in path order, and remembers the good ones. */
  function place() {
    placed = new Map();
    carrying.clear();
    conflicts = [];
    for (const path of pathsInOrder()) {
      for (const { linesBefore, objects } of files.get(path)?.documents ?? []) {
        for (const object of objects) {
          const placeOf = (field: Path) => ({ file: path, line: linesBefore + object.lineOf(field) });
          const first = placed.get(object.key);
          if (!first) placed.set(object.key, { object, placeOf });
          else {
            const name = ['metadata', 'name'];
            const found = `another definition at ${formatPlace(first.placeOf(name))}, which is the one in use`;
            const issue = createIssue('duplicate', name, 'every object once', found);
            conflicts.push({ object, issue: { ...issue, place: placeOf(name) } });
          }
        }
      }
    }
    for (const path of pathsInOrder()) {
      for (const key of files.get(path)?.carried ?? []) {
        const object = lastGood.get(key);
        if (!object || placed.has(key)) continue;
        placed.set(key, { object, placeOf: () => ({ file: path }) });
        carrying.add(path);
      }
    }
    for (const [key, { object }] of placed) if (goodValue(object)) lastGood.set(key, object);
    for (const key of lastGood.keys()) if (!placed.has(key)) lastGood.delete(key);
    labels = createLabelIndex([...placed.values()].map(({ object }) => object));
    named = new Set([...placed].flatMap(([key, { object }]) => configMapsOf(effective(key, object))));
  }

  /** Whether an object belongs to the configuration. */
  const isOurs = (key: string, { reading }: FileObject): boolean =>
    reading.kind === 'ConfigMap' ? named.has(key) : reading.kind !== 'Other';

  /** The current version of an object if it is good, else its last good version. */
  const effective = (key: string, object: FileObject): FileObject =>
    goodValue(object) ? object : (lastGood.get(key) ?? object);

  /** What is wrong with a file, apart from its objects. */
  function fileIssues(path: string, { documents, unreadable, emptied }: FileState): Issue[] {
    const issues: Issue[] = [];
    const refuse = (expected: string, found: string) =>
      issues.push({ ...createIssue('unreadable', ['file'], expected, found), place: { file: path } });
    if (unreadable !== undefined) refuse('a readable file', unreadable);
    else if (emptied && carrying.has(path)) refuse('its objects, or no such file', 'an empty file');
    for (const { linesBefore, issues: found } of documents) {
      for (const issue of found) {
        issues.push({ ...issue, place: { file: path, line: linesBefore + (issue.place?.line ?? 1) } });
      }
    }
    return issues;
  }

  function unreadFiles(): UnreadPart[] {
    return [...files].flatMap(([path, file]) => {
      const { unreadSinceMs: sinceMs, mayHoldMore } = file;
      const [problem] = fileIssues(path, file);
      return problem && sinceMs !== undefined ? [{ problem, sinceMs, mayHoldMore }] : [];
    });
  }

  function readingIssues(): Issue[] {
    const all = [...files].flatMap(([path, file]) => fileIssues(path, file));
    for (const [key, { object, placeOf }] of placed) {
      if (object.reading.kind === 'Other' || !isOurs(key, object)) continue;
      for (const issue of object.reading.issues) {
        all.push({ ...withOwner(nameIn(object), issue), place: placeOf(issue.path) });
      }
    }
    for (const { object, issue } of conflicts) {
      if (isOurs(object.key, object)) all.push(withOwner(nameIn(object), issue));
    }
    return all;
  }

  function placeOf(issue: Issue): Place | undefined {
    const found = issue.object && placed.get(formatObject(issue.object));
    const affected = issue.affects && placed.get(formatObject(issue.affects));
    if (issue.object?.kind === 'ConfigMap') {
      return found ? placeInMapping(found, issue.textPlace) : affected?.placeOf(optionPath('mapping'));
    }
    if (issue.object?.kind !== 'Secret') return found?.placeOf(issue.path);
    const [key = ''] = issue.path;
    const member = hasMember(found?.object.document, 'stringData', key) ? 'stringData' : 'data';
    return found ? found.placeOf([member, key]) : affected?.placeOf(['spec', 'secretRef']);
  }

  return {
    async update(changed, removed) {
      let differs = false;
      for (const path of removed) differs = files.delete(path) || differs;
      for (const [path, content] of changed) {
        const before = files.get(path);
        const { unreadSinceMs = performance.now() } = before ?? {};
        if ('unreadable' in content) {
          const { unreadable } = content;
          files.set(path, { documents: [], carried: [], mayHoldMore: true, ...before, unreadable, unreadSinceMs });
          differs ||= before?.unreadable !== unreadable;
          continue;
        }
        const documents = await parse(content.text);
        if (before && before.unreadable === undefined && isSame(documents, before.documents)) continue;
        differs = true;
        const emptied = content.text.trim() === '' && before !== undefined && keysOf(before).length > 0;
        const broken = emptied || documents.some(({ issues }) => issues.length > 0);
        const mayHoldMore = broken && (before?.mayHoldMore ?? true);
        const carried = broken && before ? keysOf(before) : [];
        files.set(path, {
          documents,
          carried,
          mayHoldMore,
          ...(emptied && { emptied }),
          ...((mayHoldMore || emptied) && { unreadSinceMs }),
        });
      }
      if (!differs) return false;
      const used = new Set([...files.values()].flatMap(({ documents }) => documents.map(({ objects }) => objects)));
      parsed = new Map([...parsed].filter(([, { objects }]) => used.has(objects)));
      place();
      return true;
    },

    snapshot(folders = []) {
      const unread = [...folders, ...unreadFiles()];
      const alerts: Alert[] = [];
      const providers: Provider[] = [];
      const invalidProviders: (InvalidProvider | ForeignProvider)[] = [];
      const secrets = new Map<string, Secret>();
      const configMaps = new Map<string, ConfigMap>();
      for (const [key, { object }] of placed) {
        const { reading, document } = effective(key, object);
        if (reading.kind === 'Alert' && reading.value) alerts.push(reading.value);
        else if (reading.kind === 'Secret' && reading.value) secrets.set(nameOf(reading.value.metadata), reading.value);
        else if (reading.kind === 'ConfigMap' && reading.value)
          configMaps.set(nameOf(reading.value.metadata), reading.value);
        else if (reading.kind === 'Provider') {
          if (reading.value) providers.push(reading.value);
          else {
            const invalid = invalidProvider(document, reading.issues);
            if (invalid) invalidProviders.push(invalid);
          }
        }
      }
      const snapshot = assembleSnapshot({
        alerts,
        providers,
        invalidProviders,
        problems: [...folders.map(({ problem }) => problem), ...readingIssues()],
        unread,
        noCrossNamespaceRefs,
        secret: (name) => secrets.get(nameOf(name)),
        configMap: (name) => configMaps.get(nameOf(name)),
        readMapping,
        isUnreadable: (provider) => placed.has(`Provider ${nameOf(provider)}`) || !isComplete({ unread }),
        labelsKnown: (source) => labels.covers(source),
        placeOf,
      });
      return { ...snapshot, problems: snapshot.problems.toSorted(comparePlaces) };
    },

    labels: (object) => labels.of(object),

    counts() {
      const kinds = [...placed.values()].map(({ object }) => object.reading.kind);
      const count = (kind: string) => kinds.filter((placedKind) => placedKind === kind).length;
      return {
        files: files.size,
        providers: count('Provider'),
        alerts: count('Alert'),
        secrets: count('Secret'),
        configMaps: [...named].filter((key) => placed.has(key)).length,
      };
    },
  };
}

const goodValue = ({ reading }: FileObject): unknown => (reading.kind === 'Other' ? reading : reading.value);

/** Keys of the ConfigMaps that an object names, when it is a Provider. */
const configMapsOf = ({ reading }: FileObject): string[] => {
  if (reading.kind !== 'Provider' || !reading.value) return [];
  return inNamespaceOf(reading.value, configMapsNeeded(reading.value)).map((name) => `ConfigMap ${nameOf(name)}`);
};

const isSame = (a: readonly FileDocument[], b: readonly FileDocument[]): boolean =>
  a.length === b.length &&
  a.every(({ objects, linesBefore }, index) => b[index]?.objects === objects && b[index]?.linesBefore === linesBefore);

const keysOf = ({ documents, carried }: FileState): string[] => [
  ...carried,
  ...documents.flatMap(({ objects }) => objects.map(({ key }) => key)),
];

/** The place of an issue in the mapping of a ConfigMap: that of the key, or of the line in its block of text. */
function placeInMapping({ object, placeOf }: PlacedObject, textPlace: Place | undefined): Place {
  const place = placeOf(['data', MAPPING_KEY]);
  const data: unknown = (object.document as { readonly data?: Readonly<Record<string, unknown>> }).data?.[MAPPING_KEY];
  const isBlock = typeof data === 'string' && data.trimEnd().includes('\n');
  if (!isBlock || place.line === undefined || textPlace?.line === undefined) return place;
  return { ...place, line: place.line + textPlace.line }; // the first line of a block follows the line of its key
}

const nameIn = ({ reading: { kind }, ref }: FileObject): ObjectName => ({ kind, ...ref });

const hasMember = (document: unknown, field: string, key: string | number): boolean => {
  const map: unknown = typeof document === 'object' && document !== null ? Reflect.get(document, field) : undefined;
  return typeof map === 'object' && map !== null && Object.hasOwn(map, key);
};
