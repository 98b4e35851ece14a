import type { ConfigIssue } from '../diagnostics/issue.ts';
import { describeFound, formatPath } from '../diagnostics/issues.ts';
import { nearest } from '../diagnostics/nearest.ts';
import { listed, suggest } from '../diagnostics/words.ts';
import { parseGoDuration } from '../lib/go-duration.ts';
import { urlIssue } from './endpoint/url.ts';
import type { MappingHeader, ProviderOptions, ResolvedProvider } from './provider.ts';

/** Prefix of the annotations on a Provider for which the CRD has no field. */
export const OPTION_PREFIX = 'cdevents.toolkit.fluxcd.io/';

/** What may stand in braces in the `source` annotation and in `--source`. */
export const SOURCE_PLACEHOLDERS = ['cluster', 'reportingController', 'namespace', 'name', 'kind'] as const;

export const DEFAULT_OPTIONS: ProviderOptions = {
  specVersion: '0.4',
  preset: 'rfc',
  unmapped: 'skip',
  contentMode: 'binary',
  maxAgeMs: 24 * 60 * 60 * 1000,
  ordering: 'object',
  unchanged: 'skip',
};

/** How long a Provider's events are tried; the default while there is none, or it says something wrong. */
export const maxAgeOf = (provider: ResolvedProvider | undefined): number =>
  provider?.status === 'ready' ? provider.options.maxAgeMs : DEFAULT_OPTIONS.maxAgeMs;

/** What is wrong with a value: expected, and found when that is not the value itself. */
type Complaint = { readonly expected: string; readonly found?: string };
type Reading = Partial<ProviderOptions> | { readonly complaint: Complaint };
type Reader = (value: string) => Reading;

const refuse = (expected: string, found?: string): Reading => ({
  complaint: found === undefined ? { expected } : { expected, found },
});

const oneOf =
  <K extends keyof ProviderOptions>(key: K, values: readonly (ProviderOptions[K] & string)[]): Reader =>
  (value) => {
    const known = values.find((allowed) => allowed === value);
    return known === undefined ? refuse(listed(values)) : ({ [key]: known } as Partial<ProviderOptions>);
  };

const isObjectName = (value: string): boolean => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value);

const readers: Readonly<Record<string, Reader>> = {
  'spec-version': oneOf('specVersion', ['0.4', '0.3', '0.5']),
  preset: oneOf('preset', ['rfc', 'service', 'none']),
  // Read in resolve-mapping.ts, with the ConfigMap.
  mapping: (value) => (isObjectName(value) ? {} : refuse('the name of a ConfigMap')),
  unmapped: oneOf('unmapped', ['skip', 'custom']),
  'content-mode': oneOf('contentMode', ['binary', 'structured', 'batched']),
  source: (source) => {
    const expected = sourceExpectation(source);
    return expected === undefined ? { source } : refuse(expected);
  },
  cluster: (cluster) => (cluster.trim() === '' ? refuse('the name of a cluster') : { cluster }),
  'max-age': (value) => {
    const maxAgeMs = parseGoDuration(value);
    return maxAgeMs !== undefined && maxAgeMs > 0 ? { maxAgeMs } : refuse('a duration over 0 such as 24h or 1h30m');
  },
  ordering: oneOf('ordering', ['object', 'none']),
  unchanged: oneOf('unchanged', ['skip', 'send']),
  // The three of the webhook, read in webhook-provider.ts: here they only have to make sense.
  address: (value) => {
    const wrong = urlIssue(value);
    return wrong ? refuse(wrong.expected, wrong.found) : {};
  },
  secret: (value) => (isObjectName(value) ? {} : refuse('the name of a Secret')),
  'webhook-auth': (value) => (value === 'hmac' || value === 'none' ? {} : refuse('hmac or none')),
};

/** The names of all options, without the prefix. */
export const OPTION_NAMES: readonly string[] = Object.keys(readers);

/** What the annotations of a Provider say. */
export interface ParsedOptions {
  /** Defaults filled in, the mapping left out. */
  readonly options: ProviderOptions;
  /** What of the options a mapping cannot change, since an annotation says it. */
  readonly given: MappingHeader;
  /** Name of the ConfigMap with the mapping. */
  readonly mapping?: string;
  readonly issues: readonly ConfigIssue[];
}

/** Name of the ConfigMap with the mapping; undefined when it cannot be one. */
export function mappingNameOf(annotations: Readonly<Record<string, string>> = {}): string | undefined {
  const name = annotations[`${OPTION_PREFIX}mapping`];
  return name !== undefined && isObjectName(name) ? name : undefined;
}

/** The annotations under `cdevents.toolkit.fluxcd.io/`, and all that is wrong with them. */
export function parseProviderOptions(annotations: Readonly<Record<string, string>> = {}): ParsedOptions {
  const issues: ConfigIssue[] = [];
  let read: Partial<ProviderOptions> = {};
  for (const [annotation, value] of Object.entries(annotations)) {
    if (!annotation.startsWith(OPTION_PREFIX)) continue;
    const name = annotation.slice(OPTION_PREFIX.length);
    const path = optionPath(name);
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (!reader) {
      issues.push({ path, expected: unknownOption(name), found: describeFound(value) });
      continue;
    }
    const reading = reader(value);
    if ('complaint' in reading) issues.push({ path, found: describeFound(value), ...reading.complaint });
    else read = { ...read, ...reading };
  }
  const { specVersion, preset } = read;
  const mapping = mappingNameOf(annotations);
  return {
    options: { ...DEFAULT_OPTIONS, ...read },
    given: { ...(specVersion && { specVersion }), ...(preset && { preset }) },
    ...(mapping !== undefined && { mapping }),
    issues,
  };
}

/** Options that do not go together. */
export function optionConflicts({ unmapped, specVersion }: ProviderOptions): readonly ConfigIssue[] {
  if (unmapped !== 'custom' || specVersion !== '0.3') return [];
  const expected = 'skip with spec-version 0.3, which has no custom events';
  return [{ path: optionPath('unmapped'), expected, found: 'custom' }];
}

/** Where an option stands in a Provider: `metadata.annotations[cdevents.toolkit.fluxcd.io/preset]`. */
export const optionPath = (name: string): string => formatPath(['metadata', 'annotations', OPTION_PREFIX + name]);

function unknownOption(name: string): string {
  const meant = nearest(name, OPTION_NAMES);
  const known = `one of the options ${OPTION_NAMES.join(', ')}`;
  return `${known}${suggest(meant)}`;
}

/** What a template of `context.source` should be; undefined when it is that. */
export function sourceExpectation(template: string): string | undefined {
  for (const [, placeholder = ''] of template.matchAll(/\{([^{}]*)\}/g)) {
    if (!SOURCE_PLACEHOLDERS.some((known) => known === placeholder)) {
      return `only the placeholders ${SOURCE_PLACEHOLDERS.map((known) => `{${known}}`).join(', ')}`;
    }
  }
  return isUriReference(template.replaceAll(/\{[^{}]*\}/g, 'x')) ? undefined : 'a URI-reference (RFC 3986)';
}

const isUriReference = (text: string): boolean =>
  /^(?:[A-Za-z][A-Za-z0-9+.-]*:|(?=[/?#])|(?=[^:/?#]*(?:[/?#]|$)))(?:[\w.~!$&'()*+,;=:@/?[\]-]|%[0-9A-Fa-f]{2})+(?:#(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?$/.test(
    text,
  );
