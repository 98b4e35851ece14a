import type { ConfigIssue } from '../diagnostics/issue.ts';
import type { Parsed } from '../diagnostics/issues.ts';
import type { NamespacedName } from './object-ref.ts';
import { entriesOf, memberOf, readName } from './read-object.ts';

/** A `ConfigMap` of the core API. */
export interface ConfigMap {
  readonly metadata: NamespacedName;
  readonly data: Readonly<Record<string, string>>;
  /** The keys of `binaryData`, which is not read. */
  readonly binaryKeys: readonly string[];
}

const nameless: ConfigIssue = { path: 'metadata.name', expected: 'the name of the ConfigMap', found: 'nothing' };

/** Reads a ConfigMap. */
export function parseConfigMap(document: unknown): Parsed<ConfigMap> {
  const metadata = readName(document);
  const issues: ConfigIssue[] = metadata ? [] : [nameless];
  const data = Object.fromEntries(entriesOf(document, 'data', 'a string', issues));
  const binaryKeys = Object.keys(memberOf(document, 'binaryData') ?? {});
  const [first, ...more] = issues;
  if (first || !metadata) return { value: undefined, issues: [first ?? nameless, ...more] };
  return { value: { metadata, data, binaryKeys }, issues: [] };
}
