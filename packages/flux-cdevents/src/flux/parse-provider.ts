import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Parsed } from '../diagnostics/issue.ts';
import type { Provider } from './provider.ts';
import { annotatedMetadata, DEFAULT_NAMESPACE, notificationApi, readObject, reference } from './read-object.ts';

const short = Type.String({ maxLength: 2048, expected: 'a string of at most 2,048 characters' });

const ProviderShape = Compile(
  Type.Object({
    ...notificationApi,
    metadata: annotatedMetadata,
    spec: Type.Object({
      type: Type.String({ minLength: 1, expected: 'a Provider type such as cdevents' }),
      // The lengths of address and proxy are checked together with the rest of the URL, so that no credential is shown.
      address: Type.Optional(Type.String()),
      username: Type.Optional(short),
      timeout: Type.Optional(
        Type.String({
          pattern: String.raw`^([0-9]+(\.[0-9]+)?(ms|s|m))+$`,
          expected: 'a duration of ms, s and m such as 1m30s',
        }),
      ),
      proxy: Type.Optional(Type.String()),
      secretRef: Type.Optional(reference),
      certSecretRef: Type.Optional(reference),
      proxySecretRef: Type.Optional(reference),
      serviceAccountName: Type.Optional(Type.String()),
      commitStatusExpr: Type.Optional(Type.String()),
      suspend: Type.Optional(Type.Boolean()),
    }),
  }),
);

/**
 * Reads a `Provider` of `notification.toolkit.fluxcd.io` v1, v1beta3 or v1beta2 as an API server would: unknown fields
 * and nulls are dropped, and a missing namespace becomes `default`. Any type is accepted.
 */
export function parseProvider(document: unknown): Parsed<Provider> {
  const { value, issues } = readObject(ProviderShape, document);
  if (value === undefined) return { value, issues };
  const { namespace = DEFAULT_NAMESPACE, ...metadata } = value.metadata;
  return { value: { metadata: { namespace, ...metadata }, spec: value.spec }, issues: [] };
}
