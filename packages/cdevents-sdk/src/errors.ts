import type { ValidationIssue } from './issue.ts';

/** The stable codes of {@link CDEventsError}; the README says for each what to do. */
export type CDEventsErrorCode =
  | 'CDE_INVALID_EVENT'
  | 'CDE_INVALID_JSON'
  | 'CDE_UNKNOWN_TYPE'
  | 'CDE_LOSSY_CONVERSION'
  | 'CDE_INVALID_CLOUDEVENT'
  | 'CDE_INVALID_EXTENSION'
  | 'CDE_CONTENT_MODE';

/** What this SDK throws. `issues` holds every single thing that is wrong, not only the first. */
export class CDEventsError extends Error {
  override readonly name = 'CDEventsError';
  /** Stable across releases: switch on it, not on the message. */
  readonly code: CDEventsErrorCode;
  /** Empty where the code says it all. */
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
