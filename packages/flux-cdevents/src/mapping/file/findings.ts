import { formatPath } from '../../diagnostics/issues.ts';
import { nearest } from '../../diagnostics/nearest.ts';
import { suggest } from '../../diagnostics/words.ts';
import type { LocatedDocument, Path } from './locate.ts';
import type { MappingIssue } from './mapping-issue.ts';

/** So many issues are listed; the last of a longer list says how many more there are. */
export const MAX_LISTED = 50;

/** What is wrong with a mapping, each with its place in the text. */
export class Findings {
  private readonly found = new Map<string, { readonly offset: number; readonly issue: () => MappingIssue }>();
  private readonly document: Pick<LocatedDocument, 'offsetOf' | 'lineAndColumn'>;

  constructor(document: Pick<LocatedDocument, 'offsetOf' | 'lineAndColumn'>) {
    this.document = document;
  }

  /** Something wrong with a value, or with a field that is missing. */
  value(path: Path, expected: string, found: string): void {
    this.at(this.document.offsetOf(path, 'value'), path, expected, found);
  }

  /** Something wrong with a field's being there. */
  key(path: Path, expected: string, found: string): void {
    this.at(this.document.offsetOf(path, 'key'), path, expected, found);
  }

  /** Said once for a place in the text, whatever aliases lead to it. */
  at(offset: number, path: Path, expected: string, found: string): void {
    const issue = () => {
      return { ...this.document.lineAndColumn(offset), path: nameOf(path), expected, found };
    };
    const key = `${offset} ${path.at(-1)} ${expected} ${found}`;
    if (!this.found.has(key)) this.found.set(key, { offset, issue });
  }

  lineOf(path: Path): number {
    return this.document.lineAndColumn(this.document.offsetOf(path)).line;
  }

  /** In the order of the text. */
  list(): MappingIssue[] {
    const sorted = [...this.found.values()].sort((a, b) => a.offset - b.offset);
    const listed = sorted.slice(0, MAX_LISTED).map(({ issue }) => issue());
    const next = sorted[MAX_LISTED];
    if (!next) return listed;
    const { line, column } = next.issue();
    const found = `${sorted.length - MAX_LISTED} more`;
    return [...listed, { line, column, path: 'document', expected: `at most the ${MAX_LISTED} issues above`, found }];
  }
}

const MAX_PATH = 200;

function nameOf(path: Path): string {
  const name = formatPath(path.map(String)) || 'document';
  return name.length > MAX_PATH ? `${name.slice(0, MAX_PATH)}…` : name;
}

const MAX_TYPED = 60;

/** The word that was meant, upper or lower case; undefined when none is near. */
export function meantWord(typed: string, words: readonly string[]): string | undefined {
  if (typed.length > MAX_TYPED) return undefined;
  const lower = words.map((word) => word.toLowerCase());
  const meant = words[lower.indexOf(nearest(typed, lower) ?? '')];
  return meant === typed ? undefined : meant;
}

/** ` (did you mean reason?)`, or nothing when no word is near. */
export function didYouMean(typed: string, words: readonly string[]): string {
  return suggest(meantWord(typed, words));
}

/** A field's name as a message shows it. */
export const describeField = (name: string): string =>
  /^[\w./-]{1,60}$/.test(name) ? name : JSON.stringify(name.length > MAX_TYPED ? `${name.slice(0, MAX_TYPED)}…` : name);
