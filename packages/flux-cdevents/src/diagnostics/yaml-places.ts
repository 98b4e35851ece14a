import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
} from 'yaml';
import { messageOf } from '../errors.ts';
import { formatPointer } from '../lib/json-pointer.ts';
import { createIssue, type Issue, type IssueCode, type Path } from './issue.ts';

/** Where the values of a YAML document are written. */
export interface YamlPlaces {
  /** The key of a field or, when `of` is `value`, its scalar; for a missing field, the nearest place above it. */
  offsetOf(path: Path, of?: 'key' | 'value'): number;
  /** Where a character of a string is written. */
  offsetIn(path: Path, index: number): number;
  /** How a number is written. */
  sourceOf(path: Path): string | undefined;
  /** Whether a plain scalar ends at a ` #`, which begins a comment. */
  endsAtComment(path: Path): boolean;
  /** Line and column of an offset, both from 1. */
  lineAndColumn(offset: number): { readonly line: number; readonly column: number };
}

/** A document with the places where its values are written. */
export interface LocatedDocument extends YamlPlaces {
  /** Plain data, `undefined` when there is no document. */
  readonly value: unknown;
  /** What is wrong with the text itself, with places. When there are any, the value must not be used. */
  readonly issues: readonly Issue[];
}

const MAX_DEPTH = 40;
const LEVELS = `at most ${MAX_DEPTH} levels`;
/** The maximum number of values that all aliases together may repeat. */
const MAX_ALIASED = 20_000;

interface Entry {
  readonly key: number | undefined;
  readonly node: Node | null;
}

/** Collects the issues of a text. */
type Report = (offset: number, path: Path, expected: string, found: string, code?: IssueCode) => void;

/** Reads the one document of a YAML 1.2 (or JSON) text. */
export function locateDocument(text: string): LocatedDocument {
  const lines = new LineCounter();
  const issues: Issue[] = [];
  const lineAndColumn = lineAndColumnIn(lines);
  const report: Report = (offset, path, expected, found, code = 'unreadable') =>
    issues.push({ ...createIssue(code, path, expected, found), place: lineAndColumn(offset) });
  const walk = new Walk(report, (offset) => lineAndColumn(offset).line);
  const value = readOnlyDocument(text, lines, report, (document) => walk.read(document));
  return { value, issues, ...placesOf(walk.entries, text, lineAndColumn) };
}

/** The places of a document that is already parsed. Its errors are ignored. */
export function locateIn(document: Document, text: string, lines: LineCounter): YamlPlaces {
  const lineAndColumn = lineAndColumnIn(lines);
  const walk = new Walk(
    () => {},
    (offset) => lineAndColumn(offset).line,
  );
  walk.read(document);
  return placesOf(walk.entries, text, lineAndColumn);
}

const lineAndColumnIn =
  (lines: LineCounter): YamlPlaces['lineAndColumn'] =>
  (offset) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };

function placesOf(
  entries: ReadonlyMap<string, Entry>,
  text: string,
  lineAndColumn: YamlPlaces['lineAndColumn'],
): YamlPlaces {
  const entryOf = (path: Path) => entries.get(formatPointer(path));
  const offsetOf: YamlPlaces['offsetOf'] = (path, of = 'key') => {
    for (let depth = path.length; depth >= 0; depth--) {
      const entry = entryOf(path.slice(0, depth));
      if (!entry) continue;
      const start = entry.node?.range?.[0];
      const written = isScalar(entry.node) && entry.node.source !== '';
      const wanted = of === 'value' && depth === path.length && written ? start : (entry.key ?? start);
      return wanted ?? 0;
    }
    return 0;
  };
  return {
    offsetOf,
    lineAndColumn,
    offsetIn(path, index) {
      const node = entryOf(path)?.node;
      return isScalar(node) ? offsetInScalar(text, node, index) : offsetOf(path, 'value');
    },
    endsAtComment(path) {
      const node = entryOf(path)?.node;
      const end = isScalar(node) && node.type === 'PLAIN' ? node.range?.[1] : undefined;
      return end !== undefined && /^[ \t]+#/.test(text.slice(end, end + 100));
    },
    sourceOf(path) {
      const node = entryOf(path)?.node;
      return isScalar(node) ? node.source : undefined;
    },
  };
}

/** Errors that an expression without quotes may cause, since YAML reads it as something else. */
const HINTS: readonly (readonly [message: RegExp, hint: string])[] = [
  [/^Nested mappings|^Implicit keys/, ' (an expression with ": " in it must be in quotes)'],
  [/^Unexpected scalar/, ' (an expression that begins with a quote must be quoted as a whole, with other quotes)'],
  [/^Unresolved tag/, ' (an expression that begins with ! must be in quotes)'],
];

function readOnlyDocument(
  text: string,
  lines: LineCounter,
  report: Report,
  read: (document: Document) => unknown,
): unknown {
  const refuse = (offset: number, expected: string, found: string) => report(offset, [], expected, found);
  try {
    // The walk finds duplicate keys in linear time; the library compares each key of a map with each other.
    const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false, stringKeys: true } as const;
    const [document, ...more] = [...parseAllDocuments(text, { ...options, logLevel: 'silent' })];
    if (!document) return undefined;
    const second = more.find(({ contents, errors }) => errors.length > 0 || !isEmpty(contents));
    if (second) refuse(startOf(second), 'one document', 'another one');
    const wrong = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
    const linesSeen = new Set<number>();
    for (const { pos, message } of wrong) {
      const { line } = lines.linePos(pos[0]);
      if (linesSeen.has(line)) continue; // later errors on a line are consequences of the first
      linesSeen.add(line);
      const [, hint = ''] = HINTS.find(([pattern]) => pattern.test(message)) ?? [];
      if (/call stack/.test(message)) refuse(pos[0], LEVELS, 'more');
      else refuse(pos[0], `YAML${hint}`, `an error: ${message}`);
    }
    return wrong.length > 0 ? undefined : read(document);
  } catch (thrown) {
    refuse(0, 'YAML', `an error: ${messageOf(thrown)}`);
    return undefined;
  }
}

const isEmpty = (contents: unknown): boolean => contents === null || (isScalar(contents) && contents.value === null);

const startOf = ({ contents, range }: Document): number =>
  (isNode(contents) ? contents.range?.[0] : undefined) ?? range?.[0] ?? 0;

/** Converts the nodes to plain data and records where each is written. Follows aliases within limits. */
class Walk {
  /** By JSON Pointer. */
  readonly entries = new Map<string, Entry>();
  private readonly anchors = new Map<string, Node>();
  private readonly exceeded = new Set<string>();
  private readonly report: Report;
  private readonly lineOf: (offset: number) => number;
  private aliased = 0;

  constructor(report: Report, lineOf: (offset: number) => number) {
    this.report = report;
    this.lineOf = lineOf;
  }

  read(document: Document): unknown {
    return this.visit(document.contents, [], undefined, 0);
  }

  private visit(node: unknown, path: Path, key: number | undefined, aliases: number): unknown {
    if (aliases > 0 && ++this.aliased > MAX_ALIASED)
      return this.tooMuch(node, path, 'fewer aliases', 'too many values');
    if (path.length > MAX_DEPTH) return this.tooMuch(node, path, LEVELS, 'more');
    if (isAlias(node)) return this.follow(node, path, key, aliases);
    this.entries.set(formatPointer(path), { key, node: isNode(node) ? node : null });
    const value = isMap(node)
      ? this.readMap(node.items, path, aliases)
      : isCollection(node)
        ? node.items.map((item, index) => this.visit(item, [...path, index], undefined, aliases))
        : isScalar(node)
          ? node.value
          : null;
    if (isNode(node) && 'anchor' in node && node.anchor) this.anchors.set(node.anchor, node);
    return value;
  }

  private readMap(items: readonly Pair<unknown, unknown>[], path: Path, aliases: number): unknown {
    const first = new Map<string, number>();
    const map: Record<string, unknown> = {};
    for (const { key, value } of items) {
      const name = isScalar(key) ? String(key.value) : '';
      const offset = isNode(key) ? (key.range?.[0] ?? 0) : 0;
      const place = [...path, name];
      const earlier = first.get(name);
      if (earlier !== undefined) {
        const found = `a second one (the first is on line ${this.lineOf(earlier)})`;
        this.report(offset, place, 'one such field', found, 'duplicate');
        continue;
      }
      first.set(name, offset);
      const member = this.visit(value, place, offset, aliases);
      Object.defineProperty(map, name, { value: member, enumerable: true, writable: true, configurable: true });
    }
    return map;
  }

  private follow(alias: Alias, path: Path, key: number | undefined, aliases: number): unknown {
    const target = this.anchors.get(alias.source);
    if (target) return this.visit(target, path, key, aliases + 1);
    const offset = alias.range?.[0] ?? 0;
    this.report(offset, path, 'an alias of an anchor before it', `*${alias.source}`, 'not-found');
    return null;
  }

  /** Reports each limit once, and does not read the values that follow. */
  private tooMuch(node: unknown, path: Path, expected: string, found: string): null {
    const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    if (!this.exceeded.has(expected)) this.report(offset, path, expected, found, 'invalid-value');
    this.exceeded.add(expected);
    return null;
  }
}

const isBlank = (char: string | undefined): boolean => char !== undefined && /\s/.test(char);

/**
 * Where a character of a scalar stands. YAML folds, indents and trims white space but keeps everything else: in all
 * forms but the double-quoted one the nth character that is not blank is the nth in the text as well.
 */
function offsetInScalar(text: string, { range, type, value }: Scalar, index: number): number {
  if (!range || typeof value !== 'string') return range?.[0] ?? 0;
  const [start, end] = range;
  if (type === 'QUOTE_DOUBLE') return offsetInDoubleQuotes(text, start + 1, end - 1, index);
  const body = type?.startsWith('BLOCK') ? Math.max(start, text.indexOf('\n', start) + 1) : start;
  const quotes = type === 'QUOTE_SINGLE';
  let offset = quotes ? body + 1 : body;
  for (let at = 0; at < index; at++) {
    if (isBlank(value[at])) {
      if (text[offset] === value[at] && value[at] !== '\n') offset++;
      continue;
    }
    while (isBlank(text[offset]) && offset < end) offset++;
    offset += quotes && text[offset] === "'" ? 2 : 1;
  }
  if (index < value.length && !isBlank(value[index])) while (isBlank(text[offset]) && offset < end) offset++;
  return Math.min(offset, end);
}

const lineBreak = /[ \t]*\r?\n\s*/y;
const ESCAPED_LENGTHS: Readonly<Record<string, number>> = { x: 4, u: 6, U: 10 };

/** Line breaks count as the one space that they are folded to. */
function offsetInDoubleQuotes(text: string, start: number, end: number, index: number): number {
  let offset = start;
  for (let at = 0; at < index && offset < end; at++) {
    if (text[offset] === '\\') {
      offset += ESCAPED_LENGTHS[text[offset + 1] ?? ''] ?? 2;
      continue;
    }
    lineBreak.lastIndex = offset;
    offset += isBlank(text[offset]) ? (lineBreak.exec(text)?.[0].length ?? 1) : 1;
  }
  return Math.min(offset, end);
}
