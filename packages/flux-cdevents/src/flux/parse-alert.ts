import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Parsed } from '../diagnostics/issue.ts';
import type { Alert } from './alert.ts';
import { DEFAULT_NAMESPACE, notificationApi, objectMetadata, readObject, reference, textMap } from './read-object.ts';

const EventSourceShape = Type.Object({
  kind: Type.String({ minLength: 1, expected: 'a kind such as HelmRelease' }),
  name: Type.String({ minLength: 1, maxLength: 253, expected: 'a name of 1 to 253 characters, or *' }),
  namespace: Type.Optional(
    Type.String({ minLength: 1, maxLength: 253, expected: 'a namespace of 1 to 253 characters' }),
  ),
  matchLabels: Type.Optional(textMap),
});

const AlertShape = Compile(
  Type.Object({
    ...notificationApi,
    metadata: objectMetadata,
    spec: Type.Object({
      providerRef: reference,
      eventSources: Type.Array(EventSourceShape),
      eventSeverity: Type.Optional(Type.Enum(['info', 'error'], { expected: 'info or error' })),
      inclusionList: Type.Optional(Type.Array(Type.String())),
      exclusionList: Type.Optional(Type.Array(Type.String())),
      eventMetadata: Type.Optional(textMap),
      summary: Type.Optional(Type.String({ maxLength: 255, expected: 'a string of at most 255 characters' })),
      suspend: Type.Optional(Type.Boolean()),
    }),
  }),
);

/**
 * Reads an `Alert` of `notification.toolkit.fluxcd.io` v1, v1beta3 or v1beta2 as an API server would: unknown fields
 * and nulls are dropped, and a missing namespace becomes `default`. An `eventSources` kind outside the CRD's list is
 * accepted, because newer releases know more kinds.
 */
export function parseAlert(document: unknown): Parsed<Alert> {
  const { value, issues } = readObject(AlertShape, document);
  if (value === undefined) return { value, issues };
  const { apiVersion, metadata, spec } = value;
  const { summary, ...rest } = spec;
  const gone = apiVersion === 'notification.toolkit.fluxcd.io/v1' || summary === undefined;
  return {
    value: {
      metadata: { namespace: metadata.namespace ?? DEFAULT_NAMESPACE, name: metadata.name },
      spec: gone ? rest : { ...rest, summary },
    },
    issues: [],
  };
}
