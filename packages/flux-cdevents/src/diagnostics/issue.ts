/** What kind of fault an issue is. A code never changes its meaning; docs/errors.md describes each. */
export type IssueCode =
  | 'missing'
  | 'unknown-field'
  | 'invalid-value'
  | 'duplicate'
  | 'conflict'
  | 'no-effect'
  | 'not-found'
  | 'forbidden'
  | 'unreadable'
  | 'unreachable';

/** Fields and indices from the root of a document. */
export type Path = readonly (string | number)[];

/** A Kubernetes object as an issue names it: `Secret flux-system/token`, `CustomResourceDefinition providers.…`. */
export interface ObjectName {
  readonly kind: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** Where something is written. Lines and columns count from 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** One thing that is wrong with what a user wrote. */
export interface Issue {
  readonly code: IssueCode;
  /** `error` when an object cannot do its work; `warning` when part of it has no effect. */
  readonly severity: 'error' | 'warning';
  /** The object that is wrong; absent when the reader knows it, or when there is none. */
  readonly object?: ObjectName;
  /**
   * The object that cannot do its work because of the issue, when it is another object: the Provider that names the
   * Secret.
   */
  readonly affects?: ObjectName;
  /** The field; empty for the whole object or document. In a Secret it is the key. */
  readonly path: Path;
  readonly expected: string;
  /** Never a secret. */
  readonly found: string;
  /** Where the object or the field is written; absent when it was not read from a file. */
  readonly place?: Place;
  /** The place inside a text that the object holds: `mapping.yaml:12:7` in a ConfigMap. */
  readonly textPlace?: Place;
}

/** The value of a document, or everything that is wrong with it. */
export type Parsed<T> =
  | { readonly value: T; readonly issues: readonly [] }
  | { readonly value: undefined; readonly issues: readonly [Issue, ...Issue[]] };

/** The value when there are no issues, else the issues. */
export const parsedFrom = <T>(value: () => T, [first, ...more]: readonly Issue[]): Parsed<T> =>
  first ? { value: undefined, issues: [first, ...more] } : { value: value(), issues: [] };

/** An issue that keeps an object from doing its work. */
export const createIssue = (code: IssueCode, path: Path, expected: string, found: string): Issue => ({
  code,
  severity: 'error',
  path,
  expected,
  found,
});

/** An issue about something that has no effect. */
export const createWarning = (code: IssueCode, path: Path, expected: string, found: string): Issue => ({
  code,
  severity: 'warning',
  path,
  expected,
  found,
});

/** The issue, listed with an object. An issue that already names another object affects this one. */
export const withOwner = (owner: ObjectName, issue: Issue): Issue =>
  issue.object === undefined ? { ...issue, object: owner } : { ...issue, affects: owner };

/** The issue of a text that was read from a file. */
export const withFile = (file: string, issue: Issue): Issue => ({ ...issue, place: { file, ...issue.place } });

/** The object that an issue is reported on: the one that cannot do its work. */
export const reportedObject = ({ object, affects }: Issue): ObjectName | undefined => affects ?? object;
