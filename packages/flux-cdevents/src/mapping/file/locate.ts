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
import { messageOf } from '../../errors.ts';

/** Fields and indices from the root of a document. */
export type Path = readonly (string | number)[];

/** Something that is wrong with the text itself. */
export interface TextProblem {
  readonly offset: number;
  readonly path: Path;
  readonly expected: string;
  readonly found: string;
}

/** A document whose values know where they stand. */
export interface LocatedDocument {
  /** Plain data, `undefined` when there is no document. */
  readonly value: unknown;
  readonly problems: readonly TextProblem[];
  /** Of a field its key or, when `of` is `value`, its scalar; of what is missing, what comes nearest above it. */
  offsetOf(path: Path, of?: 'key' | 'value'): number;
  /** Where a character of a string stands in the text. */
  offsetIn(path: Path, index: number): number;
  /** How a number is written. */
  sourceOf(path: Path): string | undefined;
  /** Whether a plain scalar ends at a ` #`, which begins a comment. */
  endsAtComment(path: Path): boolean;
  /** Line and column of an offset, both from 1. */
  lineAndColumn(offset: number): { readonly line: number; readonly column: number };
}

const MAX_DEPTH = 40;
const LEVELS = `at most ${MAX_DEPTH} levels`;
/** So many values may stand behind aliases, all together. */
const MAX_ALIASED = 20_000;

interface Entry {
  readonly key: number | undefined;
  readonly node: Node | null;
}

/** Reads the one document of a YAML 1.2 (or JSON) text. With problems its value is of no use. */
export function locateDocument(text: string): LocatedDocument {
  const lines = new LineCounter();
  const problems: TextProblem[] = [];
  const entries = new Map<string, Entry>();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const value = readOnlyDocument(text, lines, problems, (document) =>
    new Walk(entries, problems, (offset) => at(offset).line).read(document),
  );

  const entryOf = (path: Path) => entries.get(pointerOf(path));
  return {
    value,
    problems,
    lineAndColumn: at,
    offsetOf(path, of = 'key') {
      for (let depth = path.length; depth >= 0; depth--) {
        const entry = entryOf(path.slice(0, depth));
        if (!entry) continue;
        const start = entry.node?.range?.[0];
        const written = isScalar(entry.node) && entry.node.source !== '';
        const wanted = of === 'value' && depth === path.length && written ? start : (entry.key ?? start);
        return wanted ?? 0;
      }
      return 0;
    },
    offsetIn(path, index) {
      const node = entryOf(path)?.node;
      return isScalar(node) ? offsetInScalar(text, node, index) : this.offsetOf(path, 'value');
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

/** Errors behind which there may be an expression that YAML takes for something else. */
const HINTS: readonly (readonly [message: RegExp, hint: string])[] = [
  [/^Nested mappings|^Implicit keys/, ' (an expression with ": " in it must stand in quotes)'],
  [/^Unexpected scalar/, ' (an expression that begins with a quote must stand in other quotes as a whole)'],
  [/^Unresolved tag/, ' (an expression that begins with ! must stand in quotes)'],
];

function readOnlyDocument(
  text: string,
  lines: LineCounter,
  problems: TextProblem[],
  read: (document: Document) => unknown,
): unknown {
  const refuse = (offset: number, expected: string, found: string) =>
    problems.push({ offset, path: [], expected, found });
  try {
    // Keys that come twice are found by the walk: the library compares each key of a map with each other.
    const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false, stringKeys: true } as const;
    const [document, ...more] = [...parseAllDocuments(text, { ...options, logLevel: 'silent' })];
    if (!document) return undefined;
    const second = more.find(({ contents, errors }) => errors.length > 0 || !isEmpty(contents));
    if (second) refuse(startOf(second), 'one document', 'another one');
    const wrong = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
    const linesSeen = new Set<number>();
    for (const { pos, message } of wrong) {
      const { line } = lines.linePos(pos[0]);
      if (linesSeen.has(line)) continue; // what follows on a line comes of the first
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

/** Makes plain data of the nodes and notes where each stands. Aliases are followed, as far as that is reasonable. */
class Walk {
  private readonly anchors = new Map<string, Node>();
  private readonly entries: Map<string, Entry>;
  private readonly problems: TextProblem[];
  private readonly lineOf: (offset: number) => number;
  private aliased = 0;

  constructor(entries: Map<string, Entry>, problems: TextProblem[], lineOf: (offset: number) => number) {
    this.entries = entries;
    this.problems = problems;
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
    this.entries.set(pointerOf(path), { key, node: isNode(node) ? node : null });
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
        this.problems.push({ offset, path: place, expected: 'one such field', found });
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
    this.problems.push({ offset, path, expected: 'an alias of an anchor before it', found: `*${alias.source}` });
    return null;
  }

  /** Said once; the values that follow are not looked at. */
  private tooMuch(node: unknown, path: Path, expected: string, found: string): null {
    const known = this.problems.some((problem) => problem.expected === expected);
    const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    if (!known) this.problems.push({ offset, path, expected, found });
    return null;
  }
}

/** JSON Pointer. */
export const pointerOf = (path: Path): string =>
  path.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The reverse of `pointerOf`: indices come back as text. */
export const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));

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
