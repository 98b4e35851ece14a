import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { ConfigIssue } from '../../diagnostics/issue.ts';
import { formatPath, type Parsed, splitPath } from '../../diagnostics/issues.ts';
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
 * What an object is read as. Of a kind that is not the configuration's, only the labels count; a ConfigMap may be of
 * the configuration or not, so both count.
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
  /** API group; empty for the core one. */
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
  /** The line of a field, or of what comes nearest to it, in the text of the document, from 1. */
  lineOf(path: string): number;
}

/** A document of a file. */
export interface ReadDocument {
  readonly objects: readonly FileObject[];
  /** What keeps objects from being made out. With any, objects of an earlier version may still be meant. */
  readonly problems: readonly { readonly line: number; readonly issue: ConfigIssue }[];
}

const yamlOptions = { merge: true, prettyErrors: false, logLevel: 'silent' } as const;

/** Reads the text of one document. Lists (`kind: List`) are unfolded; what is no Kubernetes object is left out. */
export function readDocument(text: string): ReadDocument {
  const lines = new LineCounter();
  const objects: FileObject[] = [];
  const problems: { line: number; issue: ConfigIssue }[] = [];
  for (const [index, document] of [...parseAllDocuments(text, { ...yamlOptions, lineCounter: lines })].entries()) {
    const refuse = (offset: number, found: string) =>
      problems.push({ line: lines.linePos(offset).line, issue: { path: 'document', expected: 'YAML', found } });
    const [error] = document.errors;
    if (error) {
      refuse(error.pos[0], `an error: ${error.message}`);
      continue;
    }
    try {
      const locate = (path: readonly string[]) => lineIn(text, index, path);
      collect(document.toJS(), [], locate, objects, problems);
    } catch (thrown) {
      refuse(document.range[0], `an error: ${messageOf(thrown)}`); // an alias without its anchor
    }
  }
  return { objects, problems };
}

function collect(
  value: unknown,
  place: readonly string[],
  locate: (path: readonly string[]) => number,
  objects: FileObject[],
  problems: { line: number; issue: ConfigIssue }[],
): void {
  if (typeof value !== 'object' || value === null) return;
  const { kind, apiVersion, items } = value as Readonly<Record<string, unknown>>;
  const group = apiGroupOf({ apiVersion: typeof apiVersion === 'string' ? apiVersion : '' });
  const lineOf = (path: string) => locate([...place, ...splitPath(path)]);
  const lacks = (field: string, expected: string) => {
    const issue = { path: formatPath([...place, ...splitPath(field)]), expected, found: 'nothing' };
    problems.push({ line: lineOf(field), issue });
  };
  if (typeof kind !== 'string' || kind === '') {
    if (group === NOTIFICATION_GROUP) lacks('kind', 'Provider or Alert');
    return;
  }
  if (kind.endsWith('List') && Array.isArray(items)) {
    for (const [index, item] of items.entries()) {
      collect(item, [...place, 'items', String(index)], locate, objects, problems);
    }
    return;
  }
  const ref = readName(value);
  const reading = readAs(kind, apiVersion === undefined ? undefined : group, value);
  if (!ref) {
    if (reading.kind !== 'Other') lacks('metadata.name', `the name of the ${kind}`);
    return;
  }
  const key = reading.kind === 'Other' ? `${group}/${kind} ${nameOf(ref)}` : `${kind} ${nameOf(ref)}`;
  objects.push({ key, ref, reading, document: value, lineOf: memoized(lineOf) });
}

/** @param group undefined when there is no `apiVersion`, which is then what is wrong with an Alert or a Provider */
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

/** Parses again, as lines are only asked for where something is wrong. */
function lineIn(text: string, index: number, path: readonly string[]): number {
  const lines = new LineCounter();
  const document = [...parseAllDocuments(text, { ...yamlOptions, lineCounter: lines })][index];
  return document ? lines.linePos(offsetOf(document, path)).line : 1;
}

function offsetOf(document: Document, path: readonly string[]): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const segment of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === segment);
      if (!pair) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(segment)];
      if (!isNode(item)) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}

function memoized(lineOf: (path: string) => number): (path: string) => number {
  const known = new Map<string, number>();
  return (path) => {
    const line = known.get(path) ?? lineOf(path);
    known.set(path, line);
    return line;
  };
}
