import type { ConfigIssue } from '../../diagnostics/issue.ts';
import { describeSize } from '../../diagnostics/issues.ts';
import type { Secret } from '../../flux/secret.ts';

/** What comes to light while a Provider and its Secrets are read. */
export interface Findings {
  readonly issues: ConfigIssue[];
  /** Every string that must not be shown. */
  readonly masked: Set<string>;
}

/** `Secret generic-token: headers`, as the path of an issue. */
export const inSecret = ({ metadata }: Secret, key: string): string => `Secret ${metadata.name}: ${key}`;

/** Notes that a value of a Secret is not what it should be. */
export function complain(
  { issues }: Findings,
  secret: Secret,
  key: string,
  { expected, found }: { readonly expected: string; readonly found: string },
): void {
  issues.push({ path: inSecret(secret, key), expected, found });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A value of a Secret as text; undefined when it is not there, or is no text, which is an issue. */
export function textOf(secret: Secret | undefined, key: string, issues: ConfigIssue[]): string | undefined {
  const bytes = secret?.data[key];
  if (!secret || !bytes) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    const found = `${describeSize(bytes)} of something else`;
    issues.push({ path: inSecret(secret, key), expected: 'text in UTF-8', found });
    return undefined;
  }
}
