import type { CompiledExpression, ExpressionIssue, ExpressionReading, ExpressionResult } from '../../cel/expression.ts';
import { describeFound } from '../../diagnostics/describe.ts';
import { createIssue, type Path } from '../../diagnostics/issue.ts';
import type { IssueList } from '../../diagnostics/issue-list.ts';
import { meantWord } from '../../diagnostics/words.ts';
import type { LocatedDocument } from '../../diagnostics/yaml-places.ts';
import { expressions, VARIABLES } from '../variables-schema.ts';

/** How many expressions a mapping may have, all rules together. */
export const MAX_EXPRESSIONS = 5000;

const PURPOSES: Readonly<Record<ExpressionResult, string>> = {
  bool: 'a CEL expression that is true or false',
  text: 'a CEL expression that gives text',
  value: 'a CEL expression',
};

/** Reads the expressions of a mapping; a text that occurs twice is compiled once. */
export class ExpressionReader {
  private readonly known = new Map<string, ExpressionReading>();
  private readonly document: LocatedDocument;
  private readonly issues: IssueList;
  private count = 0;

  constructor(document: LocatedDocument, issues: IssueList) {
    this.document = document;
    this.issues = issues;
  }

  /**
   * The text of an expression. A YAML number or boolean is CEL as it is written.
   * @returns undefined for any other value
   */
  textOf(value: unknown, path: Path): string | undefined {
    if (typeof value === 'boolean') return String(value);
    if (typeof value === 'number') return this.document.sourceOf(path) ?? String(value);
    return typeof value === 'string' ? value : undefined;
  }

  /** @returns undefined when it is not valid, which is reported, or when there are too many expressions */
  read(value: unknown, path: Path, result: ExpressionResult): CompiledExpression | undefined {
    const text = this.textOf(value, path);
    if (text === undefined || text.trim() === '') {
      this.issues.value(
        path,
        `${PURPOSES[result]}${hintFor(value)}`,
        text === undefined ? describeFound(value) : 'nothing',
      );
      return undefined;
    }
    if (++this.count > MAX_EXPRESSIONS) {
      const expected = `at most ${MAX_EXPRESSIONS.toLocaleString('en-US')} expressions`;
      if (this.count === MAX_EXPRESSIONS + 1) this.issues.value(path, expected, 'one more');
      return undefined;
    }
    const reading = this.readText(text, result);
    if ('expression' in reading) return reading.expression;
    const { offset, expected, found } = reading.issue;
    const hint = this.document.endsAtComment(path) ? COMMENT_HINT : quotedHint(text, result, reading.issue);
    const issue = createIssue('invalid-value', path, `${expected}${hint}`, found);
    this.issues.at(this.document.offsetIn(path, offset), issue);
    return undefined;
  }

  private readText(text: string, result: ExpressionResult): ExpressionReading {
    const key = `${result} ${text}`;
    let reading = this.known.get(key);
    if (!reading) {
      reading = expressions.readExpression(text, result);
      this.known.set(key, reading);
    }
    return reading;
  }
}

function hintFor(value: unknown): string {
  if (Array.isArray(value)) return ` (write a list in CEL: "['a', 'b']")`;
  return typeof value === 'object' && value !== null ? ` (write a map in CEL: "{'a': 1}")` : '';
}

const COMMENT_HINT = ' (" #" begins a comment: put the expression in quotes)';

const MAX_HINT = 80;

/** A string without the quotes of CEL, a common mistake: `outcome: success`, `event.reason == UpgradeSucceeded`. */
function quotedHint(text: string, result: ExpressionResult, { expected, found }: ExpressionIssue): string {
  const isWords = /^[A-Za-z][\w-]*( [\w-]+)*$/.test(text) && !/ in /.test(text);
  const isUri = /^[a-z][a-z\d+.-]*:[^\s'"]+$/.test(text);
  if (meantWord(text, Object.keys(VARIABLES)) !== undefined) return '';
  if (result !== 'bool' && (isWords || isUri)) return ` (for the text itself: "'${text.slice(0, MAX_HINT)}'")`;
  const isUnknownWord = /^a variable(?!.*did you mean)/.test(expected) && /^\w+$/.test(found);
  return isUnknownWord ? ` (for the text: '${found}')` : '';
}
