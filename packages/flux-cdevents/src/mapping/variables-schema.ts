import { createExpressions } from '../cel/expression.ts';

/**
 * The object types of the variables: their fields, and the CEL type of each. A field that may be absent (`uid`, `action`) is
 * read with `has(event.action)` or `event.?action`.
 */
export const TYPES = {
  InvolvedObject: {
    kind: 'string',
    namespace: 'string',
    name: 'string',
    uid: 'string',
    apiVersion: 'string',
    resourceVersion: 'string',
  },
  Event: {
    involvedObject: 'InvolvedObject',
    severity: 'string',
    timestamp: 'string',
    message: 'string',
    reason: 'string',
    metadata: 'map<string, string>',
    reportingController: 'string',
    reportingInstance: 'string',
    action: 'string',
    relatedObject: 'map<string, string>',
  },
  ObjectMetadata: { namespace: 'string', name: 'string' },
  FluxObject: { metadata: 'ObjectMetadata' },
  Identity: { id: 'string', source: 'string' },
  Release: { namespace: 'string', name: 'string', version: 'int', chart: 'string', chartVersion: 'string' },
  TaskRun: { id: 'string', name: 'string' },
  Incident: { id: 'string', open: 'bool' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The variables that every expression of a mapping sees, and their types. docs/expressions.md describes them. */
export const VARIABLES = {
  event: 'Event',
  alert: 'FluxObject',
  provider: 'FluxObject',
  cluster: 'string',
  environment: 'Identity',
  service: 'Identity',
  artifactId: 'string',
  release: 'Release',
  taskRun: 'TaskRun',
  incident: 'Incident',
  outcome: 'string',
  chainId: 'string',
} as const;

/** A value for each variable, as plain JSON values. */
export type MappingVariables = Readonly<Record<keyof typeof VARIABLES, unknown>>;

/** The expressions of mappings: every mapping is read and compiled with this one environment. */
export const expressions = createExpressions({ types: TYPES, variables: VARIABLES });
