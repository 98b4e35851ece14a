import { createIssue, type Parsed, parsedFrom } from '../diagnostics/issue.ts';
import type { NamespacedName } from './object-ref.ts';
import { memberOf, readEntries, readName } from './read-object.ts';

/** A `ConfigMap` of the core API. */
export interface ConfigMap {
  readonly metadata: NamespacedName;
  readonly data: Readonly<Record<string, string>>;
  /** The keys of `binaryData`, whose values are not read. */
  readonly binaryKeys: readonly string[];
}

const nameless = createIssue('missing', ['metadata', 'name'], 'the name of the ConfigMap', 'nothing');

/** Reads a ConfigMap. */
export function parseConfigMap(document: unknown): Parsed<ConfigMap> {
  const metadata = readName(document);
  const { entries, issues } = readEntries(document, 'data', 'a string');
  const binaryKeys = Object.keys(memberOf(document, 'binaryData') ?? {});
  return metadata
    ? parsedFrom(() => ({ metadata, data: Object.fromEntries(entries), binaryKeys }), issues)
    : { value: undefined, issues: [nameless, ...issues] };
}
