import { describeSize } from '../diagnostics/describe.ts';
import { createIssue, type Parsed, parsedFrom } from '../diagnostics/issue.ts';
import type { NamespacedName } from './object-ref.ts';
import { readEntries, readName } from './read-object.ts';

/** A `Secret` of the core API, decoded. Never print it. */
export interface Secret {
  readonly metadata: NamespacedName;
  readonly data: Readonly<Record<string, Uint8Array>>;
}

const nameless = createIssue('missing', ['metadata', 'name'], 'the name of the Secret', 'nothing');
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Reads a Secret: `data` in base64, then `stringData` as plain text, which wins. The issues never show a value. */
export function parseSecret(document: unknown): Parsed<Secret> {
  const metadata = readName(document);
  const encoded = readEntries(document, 'data', 'base64');
  const plain = readEntries(document, 'stringData', 'a string');
  const issues = [...encoded.issues];
  const data: Record<string, Uint8Array> = {};
  for (const [key, value] of encoded.entries) {
    const packed = value.replace(/\s/g, '');
    if (base64.test(packed)) data[key] = Buffer.from(packed, 'base64');
    else issues.push(createIssue('invalid-value', ['data', key], 'base64', `${describeSize(value)} that are not`));
  }
  for (const [key, value] of plain.entries) data[key] = Buffer.from(value);
  issues.push(...plain.issues);
  return metadata
    ? parsedFrom(() => ({ metadata, data }), issues)
    : { value: undefined, issues: [nameless, ...issues] };
}
