import { createIssue } from '../../src/diagnostics/issue.ts';
import { type NamespacedName, parseName } from '../../src/flux/object-ref.ts';
import type { InvalidProvider, ReadyProvider, ResolvedProvider } from '../../src/provider/provider.ts';

/** `a/hub`: the name of an object as a log line has it. */
export const refOf = (name: string): NamespacedName => parseName(name) ?? { namespace: '', name };

export type ProviderOverrides = Partial<Omit<ReadyProvider, 'options' | 'endpoint'>> & {
  readonly options?: Partial<ReadyProvider['options']>;
  readonly endpoint?: Partial<ReadyProvider['endpoint']>;
};

/** A Provider of type `cdevents` that is ready; a test names only what it is about. */
export const aProvider = ({ options, endpoint, ...rest }: ProviderOverrides = {}): ReadyProvider => ({
  status: 'ready',
  ref: { namespace: 'flux-system', name: 'hub' },
  type: 'cdevents',
  suspend: false,
  fingerprint: 'f1',
  ...rest,
  options: {
    specVersion: '0.4',
    preset: 'rfc',
    unmapped: 'skip',
    contentMode: 'binary',
    maxAgeMs: 24 * 60 * 60 * 1000,
    ordering: 'object',
    unchanged: 'skip',
    ...options,
  },
  endpoint: {
    address: 'http://hub.example:5000/events',
    addressIsSecret: false,
    timeoutMs: 15_000,
    headers: {},
    secrets: [],
    ...endpoint,
  },
});

/** Providers by their names, with no more of each than a test says. */
export const providersByName = (providers: Readonly<Record<string, object>>) =>
  new Map(
    Object.entries(providers).map(([name, fields]) => [name, { ref: refOf(name), ...fields } as ResolvedProvider]),
  );

/** One that says something wrong. */
export const anInvalidProvider = (name = 'wrong'): InvalidProvider => ({
  status: 'invalid',
  ref: { namespace: 'flux-system', name },
  type: 'cdevents',
  suspend: false,
  issues: [createIssue('invalid-value', ['spec', 'address'], 'an http or https URL', 'ftp')],
});
