import type { ConfigIssue } from '../../diagnostics/issue.ts';
import type { Parsed } from '../../diagnostics/issues.ts';
import type { Alert } from '../../flux/alert.ts';
import { parseAlert } from '../../flux/parse-alert.ts';
import { parseProvider } from '../../flux/parse-provider.ts';
import type { Provider } from '../../flux/provider.ts';
import { NOTIFICATION_GROUP, NOTIFICATION_VERSIONS } from '../../flux/read-object.ts';
import type { Discovery, ServedResource } from '../../kube-api/discovery.ts';
import type { InvalidProvider } from '../../provider/provider.ts';
import { invalidProvider } from '../../provider/resolve-provider.ts';

/** An Alert or a Provider as it was read. */
export interface Reading<T> {
  /** What it says, or said when it was last good; undefined when it never was. */
  readonly good: T | undefined;
  /** What is wrong with what it says now. */
  readonly issues: readonly ConfigIssue[];
}

export interface ProviderReading extends Reading<Provider> {
  /** Stands in for one that never was good. */
  readonly invalid?: InvalidProvider;
}

export const readAlert = (document: object, before: Reading<Alert> | undefined): Reading<Alert> =>
  reading(parseAlert(document), before);

export function readProvider(document: object, before: ProviderReading | undefined): ProviderReading {
  const read = reading(parseProvider(document), before);
  const invalid = read.good ? undefined : invalidProvider(document, read.issues);
  return { ...read, ...(invalid && { invalid }) };
}

const reading = <T>({ value, issues }: Parsed<T>, before: Reading<T> | undefined): Reading<T> => ({
  good: value ?? before?.good,
  issues,
});

/**
 * Where the API server has Alerts or Providers: in the newest version that both sides know. Each type is looked up by
 * itself, as an upgrade of Flux replaces one CustomResourceDefinition after the other.
 */
export async function locateNotification(
  discovery: Discovery,
  kind: 'Alert' | 'Provider',
): Promise<ServedResource | undefined> {
  const served = await discovery.versions(NOTIFICATION_GROUP);
  for (const version of NOTIFICATION_VERSIONS) {
    if (!served.includes(version)) continue;
    const resources = await discovery.resources(`${NOTIFICATION_GROUP}/${version}`);
    const found = resources?.find((resource) => resource.kind === kind);
    if (found) return found;
  }
  return undefined;
}
