import { Document, isScalar, LineCounter, type ParsedNode, parseAllDocuments, visit, type YAMLMap } from 'yaml';
import { createIssue, type Issue, type Parsed, type Path } from '../../diagnostics/issue.ts';
import { locateIn, type YamlPlaces } from '../../diagnostics/yaml-places.ts';
import { messageOf } from '../../errors.ts';
import type { Alert } from '../../flux/alert.ts';
import { type ConfigMap, parseConfigMap } from '../../flux/config-map.ts';
import { apiGroupOf, type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import { parseAlert } from '../../flux/parse-alert.ts';
import { parseProvider } from '../../flux/parse-provider.ts';
import type { Provider } from '../../flux/provider.ts';
import { memberOf, NOTIFICATION_GROUP, readName } from '../../flux/read-object.ts';
import { parseSecret, type Secret } from '../../flux/secret.ts';

/**
 * How an object is read. Only the labels matter for kinds that are not part of the configuration. A ConfigMap may or
 * may not be part of it, so both its data and its labels matter.
 */
export type Reading =
  | ({ readonly kind: 'Alert' } & Parsed<Alert>)
  | ({ readonly kind: 'Provider' } & Parsed<Provider>)
  | ({ readonly kind: 'Secret' } & Parsed<Secret>)
  | ({ readonly kind: 'ConfigMap' } & Labelled & Parsed<ConfigMap>)
  | ({ readonly kind: 'Other' } & Labelled);

/** What `matchLabels` is evaluated against. */
interface Labelled {
  readonly type: string;
  /** The API group; empty for the core group. */
  readonly group: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An object in a document, read but perhaps wrong. */
export interface FileObject {
  /** `Provider flux-system/hub`; for other objects the API group comes first. */
  readonly key: string;
  readonly ref: NamespacedName;
  readonly reading: Reading;
  /** The object as it was written. */
  readonly document: unknown;
  /** The line of a field in the text of the document, from 1; for a missing field, that of the nearest place above it. */
  lineOf(path: Path): number;
}

/** A document of a file. */
export interface ReadDocument {
  readonly objects: readonly FileObject[];
  /**
   * Why objects cannot be recognised, each issue with its line. When there are any, the objects of an earlier version
   * stay in force.
   */
  readonly issues: readonly Issue[];
}

// The library compares each key of a map with each other, so duplicates are found here.
const yamlOptions = { merge: true, prettyErrors: false, uniqueKeys: false, logLevel: 'silent' } as const;

/** Reads the text of one document. Unfolds lists (`kind: List`) and leaves out what is not a Kubernetes object. */
export function readDocument(text: string): ReadDocument {
  const lines = new LineCounter();
  const objects: FileObject[] = [];
  const issues: Issue[] = [];
  for (const [index, document] of [...parseAllDocuments(text, { ...yamlOptions, lineCounter: lines })].entries()) {
    const refuse = (offset: number, found: string) =>
      issues.push({ ...createIssue('unreadable', [], 'YAML', found), place: { line: lines.linePos(offset).line } });
    const [error] = document.errors;
    if (error) {
      refuse(error.pos[0], `an error: ${withoutQuote(error.message)}`);
      continue;
    }
    const repeated = repeatedKeyOf(document);
    if (repeated) {
      refuse(repeated.range[0], 'an error: Map keys must be unique');
      continue;
    }
    try {
      const places = lazily(() => placesIn(text, index));
      const lineOf = (path: Path) => places().lineAndColumn(places().offsetOf(path)).line;
      collect(document.toJS(), [], lineOf, objects, issues);
    } catch (thrown) {
      refuse(document.range[0], `an error: ${withoutQuote(messageOf(thrown))}`); // an alias without its anchor
    }
  }
  return { objects, issues };
}

/** The document may be a Secret, and what the parser quotes its value: `token: *abc` without quotes is an alias. */
const withoutQuote = (message: string): string =>
  message.replace(/^(Unresolved [^:]*|Block scalar header includes extra characters): .*/s, '$1');

/** The first key that a map of the document has twice, in linear time. */
function repeatedKeyOf(document: Document): ParsedNode | undefined {
  let repeated: unknown;
  visit(document, {
    Map(_, { items }: YAMLMap) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key) || key.value === '<<') continue; // merges may be many
        if (seen.has(key.value)) {
          repeated = key;
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return repeated as ParsedNode | undefined;
}

function collect(
  value: unknown,
  root: Path,
  lineInDocument: (path: Path) => number,
  objects: FileObject[],
  issues: Issue[],
): void {
  if (typeof value !== 'object' || value === null) return;
  const { kind, apiVersion, items } = value as Readonly<Record<string, unknown>>;
  const group = apiGroupOf({ apiVersion: typeof apiVersion === 'string' ? apiVersion : '' });
  const lineOf = (path: Path) => lineInDocument([...root, ...path]);
  const lacks = (field: Path, expected: string) =>
    issues.push({
      ...createIssue('missing', [...root, ...field], expected, 'nothing'),
      place: { line: lineOf(field) },
    });
  if (typeof kind !== 'string' || kind === '') {
    if (group === NOTIFICATION_GROUP) lacks(['kind'], 'Provider or Alert');
    return;
  }
  if (kind.endsWith('List') && Array.isArray(items)) {
    for (const [index, item] of items.entries()) {
      collect(item, [...root, 'items', index], lineInDocument, objects, issues);
    }
    return;
  }
  const ref = readName(value);
  const reading = readAs(kind, apiVersion === undefined ? undefined : group, value);
  if (!ref) {
    if (reading.kind !== 'Other') lacks(['metadata', 'name'], `the name of the ${kind}`);
    return;
  }
  const key = reading.kind === 'Other' ? `${group}/${kind} ${nameOf(ref)}` : `${kind} ${nameOf(ref)}`;
  objects.push({ key, ref, reading, document: value, lineOf });
}

/** @param group undefined without an `apiVersion`, which an Alert or a Provider then lacks */
function readAs(kind: string, group: string | undefined, value: object): Reading {
  const notification = group === undefined || group === NOTIFICATION_GROUP;
  if (notification && kind === 'Alert') return { kind, ...parseAlert(value) };
  if (notification && kind === 'Provider') return { kind, ...parseProvider(value) };
  if (!group && kind === 'Secret') return { kind, ...parseSecret(value) };
  const labels = Object.entries(memberOf(memberOf(value, 'metadata'), 'labels') ?? {});
  const labelled: Labelled = {
    type: kind,
    group: group ?? '',
    labels: Object.fromEntries(labels.filter((label): label is [string, string] => typeof label[1] === 'string')),
  };
  if (!group && kind === 'ConfigMap') return { kind, ...labelled, ...parseConfigMap(value) };
  return { kind: 'Other', ...labelled };
}

/** Parses again: places are needed only where something is wrong, and take a lot of memory. */
function placesIn(text: string, index: number): YamlPlaces {
  const lines = new LineCounter();
  const document = [...parseAllDocuments(text, { ...yamlOptions, lineCounter: lines })][index];
  return locateIn(document ?? new Document(), text, lines);
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
