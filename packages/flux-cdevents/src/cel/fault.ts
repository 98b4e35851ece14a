/** The fault of an expression and its place; offset and length are in UTF-16 units of the text. */
export interface ExpressionIssue {
  readonly offset: number;
  readonly length?: number;
  readonly expected: string;
  readonly found: string;
}

/** An expression that cannot be used. */
export class ExpressionFault extends Error {
  readonly issue: ExpressionIssue;

  constructor(issue: ExpressionIssue) {
    super(`expected ${issue.expected}, found ${issue.found}`);
    this.name = 'ExpressionFault';
    this.issue = issue;
  }
}

/** A fault of a node of the tree. */
export const faultAt = (
  { start, end }: { readonly start: number; readonly end: number },
  expected: string,
  found: string,
): ExpressionFault => new ExpressionFault({ offset: start, length: end - start, expected, found });
