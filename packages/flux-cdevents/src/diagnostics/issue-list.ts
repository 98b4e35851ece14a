import type { Validator } from 'typebox/compile';
import { comparePlaces } from './format.ts';
import { createIssue, type Issue, type IssueCode, type Path } from './issue.ts';
import { shapeIssues } from './shape-issues.ts';
import type { YamlPlaces } from './yaml-places.ts';

/** How many issues are listed; the last of a longer list says how many more there are. */
const MAX_LISTED = 50;
/** How many errors of the schema library are read: the list shows the first ones and counts the rest. */
const MAX_SHAPE_ERRORS = 10_000;

/** Collects what is wrong with a YAML document, each issue with its place in the text. */
export class IssueList {
  private readonly issues = new Map<string, Issue>();
  private readonly places: Pick<YamlPlaces, 'offsetOf' | 'lineAndColumn'>;

  constructor(places: Pick<YamlPlaces, 'offsetOf' | 'lineAndColumn'>) {
    this.places = places;
  }

  /** Reports a value, at the place of the value. */
  value(path: Path, expected: string, found: string, code: IssueCode = 'invalid-value'): void {
    this.at(this.places.offsetOf(path, 'value'), createIssue(code, path, expected, found));
  }

  /** Reports something that is missing, at the place of what should contain it. */
  missing(path: Path, expected: string, found = 'nothing'): void {
    this.value(path, expected, found, 'missing');
  }

  /** Reports a field that should not be there, at the place of its key. */
  key(path: Path, expected: string, found: string, code: IssueCode = 'unknown-field'): void {
    this.at(this.places.offsetOf(path, 'key'), createIssue(code, path, expected, found));
  }

  /** Adds issues; those without a place get that of their path. */
  addAll(issues: readonly Issue[]): void {
    for (const issue of issues) {
      if (issue.place) this.add(issue);
      else this.at(this.places.offsetOf(issue.path, issue.code === 'unknown-field' ? 'key' : 'value'), issue);
    }
  }

  /** Reports every way in which a value does not match a shape. */
  addShape(shape: Validator, value: unknown): void {
    this.addAll(shapeIssues(shape, value, MAX_SHAPE_ERRORS));
  }

  /** Reports an issue at an offset in the text. */
  at(offset: number, issue: Issue): void {
    this.add({ ...issue, place: this.places.lineAndColumn(offset) });
  }

  /** The same issue at the same place counts once, even when several aliases lead there. */
  private add(issue: Issue): void {
    const { path, expected, found, place } = issue;
    const key = `${place?.line}:${place?.column} ${path.at(-1)} ${expected} ${found}`;
    if (!this.issues.has(key)) this.issues.set(key, issue);
  }

  lineOf(path: Path): number {
    return this.places.lineAndColumn(this.places.offsetOf(path)).line;
  }

  /** The issues in the order of the text. */
  list(): Issue[] {
    const sorted = [...this.issues.values()].sort(comparePlaces);
    const next = sorted[MAX_LISTED];
    if (!next) return sorted;
    const found = `${sorted.length - MAX_LISTED} more`;
    const rest = createIssue(next.code, [], `at most the ${MAX_LISTED} issues above`, found);
    return [...sorted.slice(0, MAX_LISTED), { ...rest, ...(next.place && { place: next.place }) }];
  }
}
