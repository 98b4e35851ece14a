import { describeFound } from '../diagnostics/describe.ts';
import { createIssue, type Issue, type Path } from '../diagnostics/issue.ts';
import { didYouMean, listed } from '../diagnostics/words.ts';
import { parseGoDuration } from '../lib/go-duration.ts';
import { urlFault } from './endpoint/url.ts';
import type { MappingHeader, ProviderOptions, ResolvedProvider } from './provider.ts';

/** Prefix of the annotations on a Provider that set the options for which the CRD has no field. */
export const OPTION_PREFIX = 'cdevents.toolkit.fluxcd.io/';

/** The placeholders of the `source` annotation and of `--source`. */
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

/** How long a Provider's events are tried; the default while the Provider is absent or invalid. */
export const maxAgeOf = (provider: ResolvedProvider | undefined): number =>
  provider?.status === 'ready' ? provider.options.maxAgeMs : DEFAULT_OPTIONS.maxAgeMs;

/** The options that an annotation sets, or what was expected; with `found` when the value itself must not be shown. */
type OptionReading =
  | Partial<ProviderOptions>
  | { readonly refused: { readonly expected: string; readonly found?: string } };
type OptionReader = (value: string) => OptionReading;

const refuse = (expected: string, found?: string): OptionReading => ({
  refused: found === undefined ? { expected } : { expected, found },
});

const oneOf =
  <K extends keyof ProviderOptions>(key: K, values: readonly (ProviderOptions[K] & string)[]): OptionReader =>
  (value) => {
    const known = values.find((allowed) => allowed === value);
    return known === undefined ? refuse(listed(values)) : ({ [key]: known } as Partial<ProviderOptions>);
  };

const isObjectName = (value: string): boolean => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value);

const readers: Readonly<Record<string, OptionReader>> = {
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
  // webhook-provider.ts reads these three; here they are only checked.
  address: (value) => {
    const wrong = urlFault(value);
    return wrong ? refuse(wrong.expected, wrong.found) : {};
  },
  secret: (value) => (isObjectName(value) ? {} : refuse('the name of a Secret')),
  'webhook-auth': (value) => (value === 'hmac' || value === 'none' ? {} : refuse('hmac or none')),
};

/** The names of all options, without the prefix. */
export const OPTION_NAMES: readonly string[] = Object.keys(readers);

/** The options that the annotations of a Provider set. */
export interface ParsedOptions {
  /** Defaults filled in, the mapping left out. */
  readonly options: ProviderOptions;
  /** The options that a mapping cannot change, since an annotation sets them. */
  readonly given: MappingHeader;
  /** Name of the ConfigMap with the mapping. */
  readonly mapping?: string;
  readonly issues: readonly Issue[];
}

/** Name of the ConfigMap with the mapping; undefined when it cannot be one. */
export function mappingNameOf(annotations: Readonly<Record<string, string>> = {}): string | undefined {
  const name = annotations[`${OPTION_PREFIX}mapping`];
  return name !== undefined && isObjectName(name) ? name : undefined;
}

/** The annotations under `cdevents.toolkit.fluxcd.io/`, and everything that is wrong with them. */
export function parseProviderOptions(annotations: Readonly<Record<string, string>> = {}): ParsedOptions {
  const issues: Issue[] = [];
  let read: Partial<ProviderOptions> = {};
  for (const [annotation, value] of Object.entries(annotations)) {
    if (!annotation.startsWith(OPTION_PREFIX)) continue;
    const name = annotation.slice(OPTION_PREFIX.length);
    const path = optionPath(name);
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (!reader) {
      const expected = `one of the options ${OPTION_NAMES.join(', ')}${didYouMean(name, OPTION_NAMES)}`;
      issues.push(createIssue('unknown-field', path, expected, describeFound(value)));
      continue;
    }
    const reading = reader(value);
    if ('refused' in reading) {
      const { expected, found = describeFound(value) } = reading.refused;
      issues.push(createIssue('invalid-value', path, expected, found));
    } else read = { ...read, ...reading };
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

/** Options that contradict each other. */
export function optionConflicts({ unmapped, specVersion }: ProviderOptions): readonly Issue[] {
  if (unmapped !== 'custom' || specVersion !== '0.3') return [];
  const expected = 'skip with spec-version 0.3, which has no custom events';
  return [createIssue('conflict', optionPath('unmapped'), expected, 'custom')];
}

/** Where an option is written in a Provider: `metadata.annotations[cdevents.toolkit.fluxcd.io/preset]`. */
export const optionPath = (name: string): Path => ['metadata', 'annotations', OPTION_PREFIX + name];

/** What is expected of a template of `context.source`; undefined when the template is valid. */
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
