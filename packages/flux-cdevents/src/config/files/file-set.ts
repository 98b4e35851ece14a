import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConfigIssue } from '../../diagnostics/issue.ts';
import type { Alert } from '../../flux/alert.ts';
import type { ConfigMap } from '../../flux/config-map.ts';
import { type InvolvedObject, type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import type { Provider } from '../../flux/provider.ts';
import type { Secret } from '../../flux/secret.ts';
import type { InvalidProvider, MappingReader } from '../../provider/provider.ts';
import { optionPath } from '../../provider/provider-options.ts';
import { MAPPING_KEY } from '../../provider/resolve-mapping.ts';
import { invalidProvider } from '../../provider/resolve-provider.ts';
import { assembleSnapshot, configMapsNeeded, inNamespaceOf } from '../assemble.ts';
import type { ConfigProblem, ConfigSnapshot, Labels } from '../config-source.ts';
import { createLabelIndex } from './label-index.ts';
import { type FileObject, type ReadDocument, readDocument } from './read-document.ts';
import { splitDocuments } from './split-documents.ts';

/** The content of a file: its text, or why it cannot be read. */
export type FileContent = { readonly text: string } | { readonly unreadable: string };

/** How many files and objects of each kind there are, the broken ones included; of ConfigMaps, those that Providers name. */
export interface FileCounts {
  readonly files: number;
  readonly providers: number;
  readonly alerts: number;
  readonly secrets: number;
  readonly configMaps: number;
}

/** Files of configuration in memory: knows what they say now, and what their objects last said that was good. */
export interface FileSet {
  /**
   * Takes in what changed. Documents that stayed the same are not parsed again.
   * @param removed files that are gone, and their objects with them
   * @returns false when all that counts is as it was
   */
  update(changed: ReadonlyMap<string, FileContent>, removed: readonly string[]): Promise<boolean>;
  /** Everything at once. `problems` of the folder itself come first. */
  snapshot(problems?: readonly ConfigProblem[]): ConfigSnapshot;
  labels(object: InvolvedObject): Labels | undefined;
  counts(): FileCounts;
}

interface LocatedDocument extends ReadDocument {
  readonly linesBefore: number;
}

interface FileState {
  readonly documents: readonly LocatedDocument[];
  /** Keys of objects that a broken part of the file may still mean: those of its last version that could be read. */
  readonly carried: readonly string[];
  readonly unreadable?: string;
}

/** An object where it counts: in the first file that defines it. */
interface Placed {
  readonly object: FileObject;
  readonly where: (path: string) => string;
}

const MAX_TURN_MS = 20;

export interface FileSetOptions {
  readonly noCrossNamespaceRefs: boolean;
  readonly readMapping: MappingReader;
}

export function createFileSet({ noCrossNamespaceRefs, readMapping }: FileSetOptions): FileSet {
  const files = new Map<string, FileState>();
  /** By their text: what is in no file any more is dropped after each update. */
  let parsed = new Map<string, ReadDocument>();
  const lastGood = new Map<string, FileObject>();
  let placed = new Map<string, Placed>();
  /** Keys of the ConfigMaps that Providers name: what is wrong with others is nothing to us. */
  let named: ReadonlySet<string> = new Set();
  let labels = createLabelIndex([]);
  let conflicts: { readonly object: FileObject; readonly where: string; readonly issue: ConfigIssue }[] = [];

  const pathsInOrder = () => [...files.keys()].sort();

  async function parse(text: string): Promise<LocatedDocument[]> {
    const documents: LocatedDocument[] = [];
    let turn = performance.now();
    for (const { linesBefore, text: part } of splitDocuments(text)) {
      const document = parsed.get(part) ?? readDocument(part);
      parsed.set(part, document);
      documents.push({ ...document, linesBefore });
      if (performance.now() - turn > MAX_TURN_MS) {
        await nextTurn(); // thousands of objects must not keep events waiting
        turn = performance.now();
      }
    }
    return documents;
  }

  /** Puts every object at its place, the first definition in path order, and remembers what is good. */
  function place() {
    placed = new Map();
    conflicts = [];
    for (const path of pathsInOrder()) {
      for (const { linesBefore, objects } of files.get(path)?.documents ?? []) {
        for (const object of objects) {
          const where = (field: string) => `${path}:${linesBefore + object.lineOf(field)}`;
          const first = placed.get(object.key);
          if (!first) placed.set(object.key, { object, where });
          else {
            const issue = {
              path: 'metadata.name',
              expected: 'every object once',
              found: `another definition at ${first.where('metadata.name')}, which is the one in use`,
            };
            conflicts.push({ object, where: where('metadata.name'), issue });
          }
        }
      }
    }
    for (const path of pathsInOrder()) {
      for (const key of files.get(path)?.carried ?? []) {
        const object = lastGood.get(key);
        if (object && !placed.has(key)) placed.set(key, { object, where: () => path });
      }
    }
    for (const [key, { object }] of placed) if (goodValue(object)) lastGood.set(key, object);
    for (const key of lastGood.keys()) if (!placed.has(key)) lastGood.delete(key);
    labels = createLabelIndex([...placed.values()].map(({ object }) => object));
    named = new Set([...placed].flatMap(([key, { object }]) => configMapsOf(effective(key, object))));
  }

  /** Whether an object is of the configuration. */
  const isOurs = (key: string, { reading }: FileObject): boolean =>
    reading.kind === 'ConfigMap' ? named.has(key) : reading.kind !== 'Other';

  /** What an object says, or said when it was last good. */
  const effective = (key: string, object: FileObject): FileObject =>
    goodValue(object) ? object : (lastGood.get(key) ?? object);

  function readingProblems(): ConfigProblem[] {
    const problems: ConfigProblem[] = [];
    for (const path of pathsInOrder()) {
      const { documents = [], unreadable } = files.get(path) ?? {};
      if (unreadable !== undefined) {
        const issue = { path: 'file', expected: 'a readable file', found: unreadable };
        problems.push({ where: path, severity: 'error', issue });
      }
      for (const { linesBefore, problems: found } of documents) {
        for (const { line, issue } of found) {
          problems.push({ where: `${path}:${linesBefore + line}`, severity: 'error', issue });
        }
      }
    }
    for (const [key, { object, where }] of placed) {
      if (object.reading.kind === 'Other' || !isOurs(key, object)) continue;
      for (const issue of object.reading.issues) {
        problems.push({ object: key, where: where(issue.path), severity: 'error', issue });
      }
    }
    for (const { object, where, issue } of conflicts) {
      if (isOurs(object.key, object)) problems.push({ object: object.key, where, severity: 'error', issue });
    }
    return problems;
  }

  function locate(kind: string, name: NamespacedName, issue: ConfigIssue): string | undefined {
    const [, referenced, referencedName = '', field = ''] =
      /^(Secret|ConfigMap) ([^\s:]+):? ?(.*)$/.exec(issue.path) ?? [];
    const own = placed.get(`${kind} ${nameOf(name)}`);
    if (referenced === undefined) return own?.where(issue.path);
    const object = placed.get(`${referenced} ${nameOf({ namespace: name.namespace, name: referencedName })}`);
    if (referenced === 'ConfigMap') return object ? inMapping(object, field) : own?.where(optionPath('mapping'));
    const member = hasMember(object?.object.document, 'stringData', field) ? 'stringData' : 'data';
    return object ? object.where(`${member}[${field}]`) : own?.where('spec.secretRef');
  }

  return {
    async update(changed, removed) {
      let differs = false;
      for (const path of removed) differs = files.delete(path) || differs;
      for (const [path, content] of changed) {
        const before = files.get(path);
        if ('unreadable' in content) {
          files.set(path, { documents: [], carried: [], ...before, unreadable: content.unreadable });
          differs ||= before?.unreadable !== content.unreadable;
          continue;
        }
        const documents = await parse(content.text);
        if (before && before.unreadable === undefined && isSame(documents, before.documents)) continue;
        differs = true;
        const broken = documents.some(({ problems }) => problems.length > 0);
        files.set(path, { documents, carried: broken && before ? keysOf(before) : [] });
      }
      if (!differs) return false;
      const used = new Set([...files.values()].flatMap(({ documents }) => documents.map(({ objects }) => objects)));
      parsed = new Map([...parsed].filter(([, { objects }]) => used.has(objects)));
      place();
      return true;
    },

    snapshot(problems = []) {
      const alerts: Alert[] = [];
      const providers: Provider[] = [];
      const invalidProviders: InvalidProvider[] = [];
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
        problems: [...problems, ...readingProblems()],
        noCrossNamespaceRefs,
        secret: (name) => secrets.get(nameOf(name)),
        configMap: (name) => configMaps.get(nameOf(name)),
        readMapping,
        isUnreadable: (provider) => placed.has(`Provider ${nameOf(provider)}`),
        labelsKnown: (source) => labels.covers(source),
        where: locate,
      });
      return { ...snapshot, problems: snapshot.problems.toSorted(byPlace) };
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

const isSame = (a: readonly LocatedDocument[], b: readonly LocatedDocument[]): boolean =>
  a.length === b.length &&
  a.every(({ objects, linesBefore }, index) => b[index]?.objects === objects && b[index]?.linesBefore === linesBefore);

const keysOf = ({ documents, carried }: FileState): string[] => [
  ...carried,
  ...documents.flatMap(({ objects }) => objects.map(({ key }) => key)),
];

/** The line of an issue `mapping.yaml:12:7: …` of a ConfigMap: that of the key, and of the line in its block of text. */
function inMapping({ object, where }: Placed, field: string): string {
  const place = where(`data[${MAPPING_KEY}]`);
  const [, line] = /^[^:]+:(\d+):/.exec(field) ?? [];
  const data: unknown = (object.document as { readonly data?: Readonly<Record<string, unknown>> }).data?.[MAPPING_KEY];
  // A text of several lines is a block, whose first line follows on that of the key.
  if (line === undefined || typeof data !== 'string' || !data.trimEnd().includes('\n')) return place;
  return place.replace(/\d+$/, (start) => String(Number(start) + Number(line)));
}

const hasMember = (document: unknown, field: string, key: string): boolean => {
  const map: unknown = typeof document === 'object' && document !== null ? Reflect.get(document, field) : undefined;
  return typeof map === 'object' && map !== null && Object.hasOwn(map, key);
};

/** By file and line, those of no place first; the order of one place stays. */
function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  const [, fileA = '', lineA = '0'] = /^(.*?)(?::(\d+))?$/.exec(a.where ?? '') ?? [];
  const [, fileB = '', lineB = '0'] = /^(.*?)(?::(\d+))?$/.exec(b.where ?? '') ?? [];
  return fileA === fileB ? Number(lineA) - Number(lineB) : fileA < fileB ? -1 : 1;
}
