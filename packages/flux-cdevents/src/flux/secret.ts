import type { ConfigIssue } from '../diagnostics/issue.ts';
import { describeSize, formatPath, type Parsed } from '../diagnostics/issues.ts';
import type { NamespacedName } from './object-ref.ts';
import { entriesOf, readName } from './read-object.ts';

/** A `Secret` of the core API, decoded. Never print it. */
export interface Secret {
  readonly metadata: NamespacedName;
  readonly data: Readonly<Record<string, Uint8Array>>;
}

const nameless: ConfigIssue = { path: 'metadata.name', expected: 'the name of the Secret', found: 'nothing' };
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Reads a Secret: `data` in base64, `stringData` as it is and winning. The issues never show a value. */
export function parseSecret(document: unknown): Parsed<Secret> {
  const metadata = readName(document);
  const issues: ConfigIssue[] = metadata ? [] : [nameless];
  const data: Record<string, Uint8Array> = {};
  for (const [key, value] of entriesOf(document, 'data', 'base64', issues)) {
    const packed = value.replace(/\s/g, '');
    if (base64.test(packed)) data[key] = Buffer.from(packed, 'base64');
    else
      issues.push({
        path: formatPath(['data', key]),
        expected: 'base64',
        found: `${describeSize(value)} that are not`,
      });
  }
  for (const [key, value] of entriesOf(document, 'stringData', 'a string', issues)) data[key] = Buffer.from(value);
  const [first, ...more] = issues;
  if (first || !metadata) return { value: undefined, issues: [first ?? nameless, ...more] };
  return { value: { metadata, data }, issues: [] };
}
