import { isDeepStrictEqual } from 'node:util';
import type { Issue, Path } from '../diagnostics/issue.ts';
import type { Provider } from '../flux/provider.ts';
import type { EndpointDeps } from './endpoint/endpoint.ts';
import type { WebhookAuth } from './provider.ts';
import { OPTION_PREFIX } from './provider-options.ts';

/** The annotations of a Provider that only the webhook reads. */
export const WEBHOOK_ANNOTATIONS = {
  address: `${OPTION_PREFIX}address`,
  secret: `${OPTION_PREFIX}secret`,
  auth: `${OPTION_PREFIX}webhook-auth`,
} as const;

const annotation = ({ metadata }: Provider, name: keyof typeof WEBHOOK_ANNOTATIONS): string | undefined =>
  metadata.annotations?.[WEBHOOK_ANNOTATIONS[name]];

/** True for a Provider of the notification-controller whose events become CDEvents when it sends them to the webhook. */
export const isWebhookOnly = (provider: Provider): boolean =>
  (provider.spec.type === 'generic' || provider.spec.type === 'generic-hmac') &&
  annotation(provider, 'address') !== undefined;

/**
 * How requests that name this Provider are checked: with the `token` of its Secret, byte for byte, as `generic-hmac`
 * signs. Undefined when there is no such key.
 */
export function webhookAuthOf(provider: Provider, deps: EndpointDeps): WebhookAuth | undefined {
  if (annotation(provider, 'auth') === 'none') return { how: 'none' };
  const name = provider.spec.secretRef?.name;
  const key = name === undefined ? undefined : deps.secret(name)?.data.token;
  return key && key.byteLength > 0 ? { how: 'hmac', key } : undefined;
}

/**
 * The receiver that the annotations name, in the form of a Provider. Nothing of the spec is in it: that says how the
 * notification-controller reaches the webhook.
 */
export function receiverOf(provider: Provider): Provider {
  const address = annotation(provider, 'address');
  const secret = annotation(provider, 'secret');
  return {
    metadata: provider.metadata,
    spec: {
      type: 'cdevents',
      ...(address !== undefined && { address }),
      ...(secret && { secretRef: { name: secret } }),
    },
  };
}

/** The issues of a `receiverOf`, with the paths of the annotations that it was made from, each annotation once. */
export function toAnnotationPaths(issues: readonly Issue[]): readonly Issue[] {
  const moved: readonly (readonly [from: Path, to: Path])[] = [
    [
      ['spec', 'address'],
      ['metadata', 'annotations', WEBHOOK_ANNOTATIONS.address],
    ],
    [
      ['spec', 'secretRef', 'name'],
      ['metadata', 'annotations', WEBHOOK_ANNOTATIONS.secret],
    ],
  ];
  const mapped: Issue[] = [];
  for (const issue of issues) {
    const [, path] = (!issue.object && moved.find(([from]) => isDeepStrictEqual(from, issue.path))) || [];
    // An annotation is checked as an option, and once more as part of the receiver.
    const isRepeated = path && mapped.some((other) => isDeepStrictEqual(other.path, path));
    if (!isRepeated) mapped.push(path ? { ...issue, path } : issue);
  }
  return mapped;
}
