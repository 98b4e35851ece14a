import type { ValidationIssue } from './issue.ts';

/** The stable codes of {@link CDEventsError}. The README says what to do about each. */
export type CDEventsErrorCode =
  | 'CDE_INVALID_EVENT'
  | 'CDE_INVALID_JSON'
  | 'CDE_UNKNOWN_TYPE'
  | 'CDE_LOSSY_CONVERSION'
  | 'CDE_INVALID_CLOUDEVENT'
  | 'CDE_INVALID_EXTENSION'
  | 'CDE_CONTENT_MODE';

/** The error that this SDK throws. `issues` lists everything that is wrong, not only the first thing. */
export class CDEventsError extends Error {
  override readonly name = 'CDEventsError';
  /** Stable across releases: switch on it, not on the message. */
  readonly code: CDEventsErrorCode;
  /** Empty for errors that are not about a value. */
  readonly issues: readonly ValidationIssue[];

  constructor(
    code: CDEventsErrorCode,
    message: string,
    options: { issues?: readonly ValidationIssue[]; cause?: unknown } = {},
  ) {
    const { issues = [], cause } = options;
    const details = issues.map((issue) => issue.message).join('; ');
    super(details ? `${message}: ${details}` : message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.issues = issues;
  }
}
