import type { Alert } from '../flux/alert.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { ConfigIssue, InvalidProvider, Provider, ResolvedProvider } from '../flux/provider.ts';
import { resolveProvider } from '../flux/resolve-provider.ts';
import type { Secret } from '../flux/secret.ts';
import { type AlertContext, alertProblems, type Finding } from './alert-problems.ts';
import type { ConfigProblem, ConfigSnapshot } from './config-source.ts';
import { providerProblems } from './provider-problems.ts';

/** The objects of a configuration, each well-formed, and what a source knows about them. */
export interface ConfigObjects {
  readonly alerts: readonly Alert[];
  readonly providers: readonly Provider[];
  /** Stand-ins for Providers that could never be read. */
  readonly invalidProviders: readonly InvalidProvider[];
  /** Problems that the source found while reading; they come first. */
  readonly problems: readonly ConfigProblem[];
  readonly noCrossNamespaceRefs: boolean;
  secret(name: NamespacedName): Secret | undefined;
  /** True for a Provider that is there but cannot be read, so that its Alerts are not blamed as well. */
  isUnreadable(provider: NamespacedName): boolean;
  /** @see AlertContext.labelsKnown */
  readonly labelsKnown: AlertContext['labelsKnown'];
  /** Where a field of an object was written; undefined when a source has no such places. */
  where(kind: 'Alert' | 'Provider', name: NamespacedName, issue: ConfigIssue): string | undefined;
}

/** Makes a snapshot: Providers with their Secrets resolved, Alerts held against them, every problem listed. Pure. */
export function assembleSnapshot(objects: ConfigObjects): ConfigSnapshot {
  const problems = [...objects.problems];
  const report = (kind: 'Alert' | 'Provider', { metadata }: Alert | Provider, findings: readonly Finding[]) => {
    for (const finding of findings) {
      const where = objects.where(kind, metadata, finding.issue);
      problems.push({ object: `${kind} ${nameOf(metadata)}`, ...(where && { where }), ...finding });
    }
  };

  const providers = new Map<string, ResolvedProvider>();
  for (const provider of objects.invalidProviders) providers.set(nameOf(provider.ref), provider);
  for (const provider of objects.providers) {
    const { namespace } = provider.metadata;
    const resolved = resolveProvider(provider, { secret: (name) => objects.secret({ namespace, name }) });
    providers.set(nameOf(provider.metadata), resolved);
    report('Provider', provider, providerProblems(provider, resolved));
  }

  const context: AlertContext = {
    noCrossNamespaceRefs: objects.noCrossNamespaceRefs,
    providerExists: (provider) => providers.has(nameOf(provider)) || objects.isUnreadable(provider),
    labelsKnown: objects.labelsKnown,
  };
  for (const alert of objects.alerts) {
    const provider = providers.get(nameOf({ ...alert.spec.providerRef, namespace: alert.metadata.namespace }));
    if (provider?.status !== 'foreign') report('Alert', alert, alertProblems(alert, context));
  }
  return { alerts: objects.alerts, providers, problems };
}
