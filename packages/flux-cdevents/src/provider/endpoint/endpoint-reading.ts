import { describeSize } from '../../diagnostics/describe.ts';
import { createIssue, type Issue, type IssueCode, type Path } from '../../diagnostics/issue.ts';
import type { Secret } from '../../flux/secret.ts';

/** What was expected and what was found, at a place that the caller knows. */
export type Fault = Pick<Issue, 'expected' | 'found'> & { readonly code?: IssueCode };

/** Collects what is wrong with a Provider and its Secrets, and what must not be shown, while they are read. */
export class EndpointReading {
  readonly issues: Issue[] = [];
  readonly #masked = new Set<string>();

  /** Every string that must not be shown. */
  get secrets(): readonly string[] {
    return [...this.#masked];
  }

  /** Keeps these from being shown. */
  mask(...secrets: readonly string[]): void {
    for (const secret of secrets) if (secret !== '') this.#masked.add(secret);
  }

  /** Reports a field of the Provider. */
  inProvider(path: Path, { code = 'invalid-value', expected, found }: Fault): void {
    this.issues.push(createIssue(code, path, expected, found));
  }

  /** Reports a key of a Secret that the Provider names. */
  inSecret(secret: Secret, key: string, { code = 'invalid-value', expected, found }: Fault): void {
    this.issues.push({ ...createIssue(code, [key], expected, found), object: { kind: 'Secret', ...secret.metadata } });
  }

  /**
   * A value of a Secret as text, without the line breaks at its end, which most tools that write files leave there;
   * undefined when it is absent, or when it is not text, which is an issue.
   */
  textOf(secret: Secret | undefined, key: string): string | undefined {
    const bytes = secret?.data[key];
    if (!secret || !bytes) return undefined;
    try {
      return utf8.decode(bytes).replace(/[\r\n]+$/, '');
    } catch {
      this.inSecret(secret, key, { expected: 'text in UTF-8', found: `${describeSize(bytes)} of something else` });
      return undefined;
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
