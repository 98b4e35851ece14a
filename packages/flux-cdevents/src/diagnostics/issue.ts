/** One way in which a configuration object is wrong. */
export interface ConfigIssue {
  /** `spec.address`, `metadata.annotations[cdevents.toolkit.fluxcd.io/preset]`, `Secret generic-token: headers`. */
  readonly path: string;
  readonly expected: string;
  /** Never a secret. */
  readonly found: string;
}

/** `spec.address: expected an http or https URL, found ftp`. */
export const formatIssue = ({ path, expected, found }: ConfigIssue): string =>
  `${path}: expected ${expected}, found ${found}`;
