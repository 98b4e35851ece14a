import { formatFault } from '../../src/diagnostics/format.ts';
import type { Provider } from '../../src/flux/provider.ts';
import type { ResolvedProvider } from '../../src/provider/provider.ts';
import { resolveProvider } from '../../src/provider/resolve-provider.ts';

/** The data of Secrets by their names. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;

/** Resolves a Provider with these Secrets in its namespace, and no ConfigMap. */
export const resolveWith = (provider: Provider, secrets: Secrets = {}): ResolvedProvider =>
  resolveProvider(provider, {
    configMap: () => undefined,
    readMapping: () => ({ header: {}, issues: [] }),
    secret: (name) => {
      const data = secrets[name];
      if (!data) return undefined;
      const bytes = Object.entries(data).map(([key, value]) => [key, Buffer.from(value)]);
      const { namespace } = provider.metadata;
      return { metadata: { namespace, name }, data: Object.fromEntries(bytes) };
    },
  });

/** What is wrong with an invalid Provider; nothing for others. */
export const faultsOf = (resolved: ResolvedProvider): string[] =>
  resolved.status === 'invalid' ? resolved.issues.map(formatFault) : [];
