import type { Issue, Parsed } from '../../diagnostics/issue.ts';
import type { Alert } from '../../flux/alert.ts';
import { parseAlert } from '../../flux/parse-alert.ts';
import { parseProvider } from '../../flux/parse-provider.ts';
import type { Provider } from '../../flux/provider.ts';
import { NOTIFICATION_GROUP, NOTIFICATION_VERSIONS } from '../../flux/read-object.ts';
import type { Discovery, ServedResource } from '../../kube-api/discovery.ts';
import type { ForeignProvider, InvalidProvider } from '../../provider/provider.ts';
import { invalidProvider } from '../../provider/resolve-provider.ts';

/** What is known about an Alert or a Provider after all its versions so far. */
export interface ObjectState<T> {
  /** The last version that was valid; undefined when none was. */
  readonly good: T | undefined;
  /** Why the current version is not valid; empty when it is. */
  readonly issues: readonly Issue[];
}

export interface ProviderState extends ObjectState<Provider> {
  /** Stands in for a Provider of which no version was valid. */
  readonly invalid?: InvalidProvider | ForeignProvider;
}

export const readAlert = (document: object, before: ObjectState<Alert> | undefined): ObjectState<Alert> =>
  stateOf(parseAlert(document), before);

export function readProvider(document: object, before: ProviderState | undefined): ProviderState {
  const state = stateOf(parseProvider(document), before);
  const invalid = state.good ? undefined : invalidProvider(document, state.issues);
  return { ...state, ...(invalid && { invalid }) };
}

const stateOf = <T>({ value, issues }: Parsed<T>, before: ObjectState<T> | undefined): ObjectState<T> => ({
  good: value ?? before?.good,
  issues,
});

/**
 * Finds the newest version of Alerts or Providers that both the API server and this program know. Each type is looked up
 * separately, because an upgrade of Flux replaces one CustomResourceDefinition after the other.
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
